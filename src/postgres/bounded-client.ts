import type { Socket } from 'node:net';
import pg from 'pg';

/** How long a goodbye may take. A peer that is gone without a word would keep it waiting for as long as TCP hopes. */
export const END_TIMEOUT_MS = 3_000;

/** pg's client as it is inside. */
type Inside = pg.Client & { readonly connection: { readonly stream: Socket } };

/** The socket of a client, to pause or to destroy it. */
export function socketOf(client: pg.Client): Socket {
  return (client as Inside).connection.stream;
}

/** A client whose `end` always ends: after `endTimeoutMs` without the server's answer the socket is destroyed. */
export class BoundedClient extends pg.Client {
  readonly #endTimeoutMs: number;

  constructor(config: pg.ClientConfig, endTimeoutMs: number = END_TIMEOUT_MS) {
    super(config);
    this.#endTimeoutMs = endTimeoutMs;
  }

  override end(): Promise<void>;
  override end(callback: (error: Error) => void): void;
  override end(callback?: (error: Error) => void): Promise<void> | void {
    const late = setTimeout(() => socketOf(this).destroy(), this.#endTimeoutMs);
    const ended = super.end().finally(() => clearTimeout(late));
    if (!callback) return ended;
    ended.then(() => (callback as () => void)(), callback);
  }
}
