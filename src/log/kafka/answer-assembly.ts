import { AnswerMemory } from './answer-memory.ts';

const LENGTH_BYTES = 4;
/** The smallest answer is its correlation id. */
const LEAST_BYTES = 4;
/** Room for more than this is made as it fills: a length that is none (something else listens there) costs no memory. */
const FIRST_BYTES = 32 * 1024 * 1024;

/**
 * Puts answers together from the chunks in which they arrive. `memory` is taken once an answer's length is known, and every byte is
 * copied once, into place: chunks may be overwritten as soon as `push` returns.
 * @see https://kafka.apache.org/protocol#protocol_common
 */
export class AnswerAssembly {
  readonly #taken: (answer: Buffer) => void;
  readonly #memory: AnswerMemory;
  readonly #lengthBytes = Buffer.alloc(LENGTH_BYTES);
  #lengthFilled = 0;
  #length = 0;
  #answer: Buffer | undefined;
  #filled = 0;

  /** `taken` is given every whole answer without its length. */
  constructor(taken: (answer: Buffer) => void, memory: AnswerMemory = new AnswerMemory()) {
    this.#taken = taken;
    this.#memory = memory;
  }

  /** False when what has arrived is no answer: the connection is of no more use. */
  push(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#answer === undefined) {
        this.#lengthBytes[this.#lengthFilled++] = chunk[at++] as number;
        if (this.#lengthFilled === LENGTH_BYTES && !this.#begin()) return false;
        continue;
      }
      at = this.#fill(chunk, at, this.#answer);
    }
    return true;
  }

  #begin(): boolean {
    this.#lengthFilled = 0;
    this.#length = this.#lengthBytes.readInt32BE(0);
    if (this.#length < LEAST_BYTES) return false;
    this.#answer = this.#memory.take(Math.min(this.#length, FIRST_BYTES));
    this.#filled = 0;
    return true;
  }

  /** Returns where the chunk goes on. */
  #fill(chunk: Buffer, from: number, answer: Buffer): number {
    const to = Math.min(chunk.length, from + answer.length - this.#filled);
    chunk.copy(answer, this.#filled, from, to);
    this.#filled += to - from;
    if (this.#filled === this.#length) {
      this.#answer = undefined;
      this.#taken(answer);
    } else if (this.#filled === answer.length) {
      this.#answer = Buffer.allocUnsafe(Math.min(this.#length, 2 * answer.length));
      answer.copy(this.#answer);
    }
    return to;
  }
}
