import type pg from 'pg';
import { postgresError } from '../postgres/errors.ts';

/** How much is held before the socket is paused. */
const BUFFERED_BYTES = 1024 * 1024;

/** The parts of pg's connection that a query of our own uses. */
interface Wire {
  query(sql: string): void;
  readonly stream: { pause(): void; resume(): void };
}

/**
 * Yields the rows of a `COPY … TO STDOUT` as the server sends them, one line each (Postgres sends every row in a message of its
 * own), and pauses the socket while nobody asks. The client can do nothing else meanwhile; ended early, it must be closed.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export async function* copyOut(client: pg.Client, sql: string, doing: string): AsyncGenerator<Buffer> {
  const query = new CopyOutQuery(sql);
  client.query(query as unknown as pg.Submittable);
  try {
    for (let row = await query.next(); row !== undefined; row = await query.next()) yield row;
  } catch (error) {
    throw postgresError(error, doing);
  }
}

/** What pg calls as messages arrive. */
class CopyOutQuery {
  readonly #sql: string;
  #rows: Buffer[] = [];
  #read = 0;
  #bufferedBytes = 0;
  #wire: Wire | undefined;
  #isPaused = false;
  #isOver = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(sql: string) {
    this.#sql = sql;
  }

  submit(wire: Wire): void {
    this.#wire = wire;
    wire.query(this.#sql);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    this.#rows.push(Buffer.from(chunk)); // pg reuses the memory under the chunk
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes > BUFFERED_BYTES && !this.#isPaused) {
      this.#isPaused = true;
      this.#wire?.stream.pause();
    }
    this.#wake?.();
  }

  handleError(error: Error): void {
    this.#error = error;
    this.#wake?.();
  }

  handleReadyForQuery(): void {
    this.#isOver = true;
    this.#resume(); // the end may come in the piece that was one too many: nothing else would let the next query's answer in
    this.#wake?.();
  }

  handleCommandComplete(): void {}

  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#error) throw this.#error;
      const row = this.#rows[this.#read];
      if (row !== undefined) return this.#take(row);
      if (this.#isOver) return undefined;
      this.#refill();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(row: Buffer): Buffer {
    this.#read++;
    return row;
  }

  #refill(): void {
    this.#rows = [];
    this.#read = 0;
    this.#bufferedBytes = 0;
    this.#resume();
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wire?.stream.resume();
  }
}
