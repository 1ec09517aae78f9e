import type pg from 'pg';
import { ByteWriter } from '../../change/byte-writer.ts';

/** The answer to one statement: its command tag's verb, the rows it affected, and rows it returned as text. */
export interface StatementResult {
  readonly command: string;
  readonly count: number;
  readonly rows: readonly (readonly (string | null)[])[];
}

const QUERY = 'Q'.charCodeAt(0);
const COPY_DATA = 'd'.charCodeAt(0);
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
const NO_DATA = new Uint8Array(0);
const COPY_FAIL = Buffer.from([0x66, 0, 0, 0, 5, 0]);
/** Size of a CopyData frame: large enough that frames cost nothing, small enough to hold a few while the socket is full. */
const FRAME_BYTES = 128 * 1024;
/** What one wide row made larger is not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** What `pg` calls on a query of one's own while it is the active one. */
abstract class Exchange implements pg.Submittable {
  readonly results: StatementResult[] = [];
  #rows: (string | null)[][] = [];
  readonly #settle: (error: Error | undefined) => void;
  #settled = false;
  /** Resolves at ReadyForQuery; rejects with the server's error or the connection's. */
  readonly done: Promise<readonly StatementResult[]>;

  constructor() {
    const { promise, resolve, reject } = withResolvers<readonly StatementResult[]>();
    this.done = promise;
    this.#settle = (error) => (error ? reject(error) : resolve(this.results));
  }

  abstract submit(connection: pg.Connection): void;

  get settled(): boolean {
    return this.#settled;
  }

  handleDataRow(message: { fields: (string | null)[] }): void {
    this.#rows.push(message.fields);
  }

  handleCommandComplete(message: { text: string }): void {
    const words = message.text.split(' ');
    this.results.push({ command: words[0] as string, count: Number(words.at(-1)) || 0, rows: this.#rows });
    this.#rows = [];
  }

  handleError(error: Error): void {
    this.#finish(error);
  }

  handleReadyForQuery(): void {
    this.#finish(undefined);
  }

  handleRowDescription(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}

  #finish(error: Error | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#settle(error);
  }
}

/** Statements in one simple-query message: one round trip, however many there are. */
export class Statements extends Exchange {
  readonly #frame: Buffer;
  readonly #data: Buffer | undefined;

  /**
   * `sql` is taken over as it is now. `data` has, as messages, the rows of each COPY in it, in their order: they are sent without waiting
   * for the server's "go". When a statement fails the server ignores those of the rest.
   */
  constructor(sql: Uint8Array, data: Uint8Array = NO_DATA) {
    super();
    this.#data = data.length > 0 ? Buffer.from(data) : undefined;
    const frame = Buffer.allocUnsafeSlow(sql.length + 6);
    frame[0] = QUERY;
    frame.writeUInt32BE(sql.length + 5, 1);
    frame.set(sql, 5);
    frame[frame.length - 1] = 0;
    this.#frame = frame;
  }

  submit(connection: pg.Connection): void {
    connection.stream.write(this.#frame);
    if (this.#data !== undefined) connection.stream.write(this.#data);
  }
}

/** Appends the messages of a COPY whose rows `fill` appends. */
export function writeCopyData(out: ByteWriter, fill: (out: ByteWriter) => void): void {
  const at = out.length;
  out.ensure(5);
  out.length += 5;
  fill(out);
  out.bytes[at] = COPY_DATA;
  out.bytes.writeUInt32BE(out.length - at - 1, at + 1);
  out.copy(COPY_DONE, 0, COPY_DONE.length);
}

/** The memory of a session's CopyData frames: one for all, as long as the socket has nothing of it left to send. */
export class CopyFrames {
  #kept: ByteWriter = new ByteWriter(0);

  next(stream: { readonly writableLength: number }): ByteWriter {
    const { length } = this.#kept.bytes;
    const isReady = stream.writableLength === 0 && length >= FRAME_BYTES && length <= MAX_KEPT_BYTES;
    if (!isReady) this.#kept = new ByteWriter(FRAME_BYTES + 4096);
    return this.#kept;
  }
}

/**
 * COPY … FROM STDIN. Rows are sent without waiting for the server's "go": it ignores them when the COPY itself fails.
 * The socket's backpressure is respected.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export class CopyIn extends Exchange {
  readonly #statement: Statements;
  readonly #fill: (out: ByteWriter, limit: number) => boolean;
  readonly #frames: CopyFrames;

  /** `fill` appends rows up to about `limit` bytes and says whether there are more. */
  constructor(sql: string, fill: (out: ByteWriter, limit: number) => boolean, frames: CopyFrames) {
    super();
    this.#statement = new Statements(Buffer.from(sql));
    this.#fill = fill;
    this.#frames = frames;
  }

  submit(connection: pg.Connection): void {
    this.#statement.submit(connection);
    this.#pump(connection);
  }

  #pump(connection: pg.Connection): void {
    try {
      for (let more = true; more; ) {
        if (this.settled) return; // the server has refused; it drops what was sent
        const out = this.#frames.next(connection.stream);
        out.length = 5;
        more = this.#fill(out, FRAME_BYTES);
        out.bytes[0] = COPY_DATA;
        out.bytes.writeUInt32BE(out.length - 1, 1);
        connection.stream.write(out.view());
        if (more && connection.stream.writableLength > 0) {
          connection.stream.once('drain', () => this.#pump(connection));
          return;
        }
      }
      connection.stream.write(COPY_DONE);
    } catch (error) {
      connection.stream.write(COPY_FAIL);
      this.handleError(error as Error);
    }
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
