import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const HEAD_BYTES = 12;

/** Keeps the input that is run in a file, so that it is known when the process never comes back from it: count 8, length 4, the input. */
export class Journal {
  readonly #handle: number;
  readonly #head: Buffer = Buffer.alloc(HEAD_BYTES);
  #count = 0;

  constructor(handle: number) {
    this.#handle = handle;
  }

  /** Notes that this input is run now. */
  begin(input: Buffer): void {
    this.#head.writeUIntBE(++this.#count, 2, 6);
    this.#head.writeUInt32BE(input.length, 8);
    const bytes = Buffer.concat([this.#head, input]);
    writeSync(this.#handle, bytes, 0, bytes.length, 0);
  }
}

/** Makes the file of a journal. */
export function createJournal(file: string): void {
  closeSync(openSync(file, 'w'));
}

/** How many inputs were begun, and the last one. */
export function readJournal(file: string): { readonly count: number; readonly input: Buffer } {
  const handle = openSync(file, 'r');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    if (readSync(handle, head, 0, HEAD_BYTES, 0) < HEAD_BYTES) return { count: 0, input: Buffer.alloc(0) };
    const input = Buffer.alloc(head.readUInt32BE(8));
    readSync(handle, input, 0, input.length, HEAD_BYTES);
    return { count: head.readUIntBE(2, 6), input };
  } finally {
    closeSync(handle);
  }
}
