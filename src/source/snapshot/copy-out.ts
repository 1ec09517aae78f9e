import type { Socket } from 'node:net';
import type pg from 'pg';

interface Wire {
  readonly stream: Socket;
  query(sql: string): void;
}

/**
 * Runs a `COPY … TO STDOUT` on a connection. Every line is given to `line`, synchronously and only for that call; when it answers
 * true, the socket is paused until `drained` resolves. Lines that the socket had read already come before the pause holds.
 */
export async function copyOut(
  client: pg.ClientBase,
  sql: string,
  line: (line: Buffer) => boolean,
  drained: () => Promise<void>,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.query(new CopyOut(sql, { line, drained, resolve, reject }) as unknown as pg.Submittable);
  });
}

interface CopyOutPorts {
  readonly line: (line: Buffer) => boolean;
  readonly drained: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What pg calls while the query is the active one. */
class CopyOut {
  readonly #sql: string;
  readonly #ports: CopyOutPorts;
  #socket: Socket | undefined;
  #isPaused = false;

  constructor(sql: string, ports: CopyOutPorts) {
    this.#sql = sql;
    this.#ports = ports;
  }

  submit(wire: Wire): void {
    this.#socket = wire.stream;
    wire.query(this.#sql);
  }

  /** The server sends every line in a message of its own. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    try {
      if (!this.#ports.line(chunk) || this.#isPaused) return;
    } catch (error) {
      return this.#fail(error);
    }
    this.#isPaused = true;
    this.#socket?.pause();
    this.#ports.drained().then(
      () => {
        this.#isPaused = false;
        this.#socket?.resume();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  handleError(error: unknown): void {
    this.#ports.reject(error);
  }

  handleReadyForQuery(): void {
    this.#ports.resolve();
  }

  handleCommandComplete(): void {}

  /** Nothing but the end of the connection ends a COPY on the reader's side. */
  #fail(error: unknown): void {
    this.#socket?.destroy();
    this.#ports.reject(error);
  }
}
