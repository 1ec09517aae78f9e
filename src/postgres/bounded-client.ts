import type { Socket } from 'node:net';
import pg from 'pg';

/** How long a goodbye may take. A peer that is gone without a word would keep it waiting for as long as TCP hopes. */
export const END_TIMEOUT_MS = 3_000;

/** pg's client as it is inside. */
type Inside = pg.Client & { readonly connection: { readonly stream: Socket }; readonly _activeQuery: unknown };

/** The socket of a client, to pause or to destroy it. */
export function socketOf(client: pg.Client): Socket {
  return (client as Inside).connection.stream;
}

/** A statement of the client is under way. */
export function isBusy(client: pg.Client): boolean {
  return Boolean((client as Inside)._activeQuery);
}

/** How long a statement may still take when its work is to end. */
const STATEMENT_GRACE_MS = 1_000;

/**
 * Ends the connection a while after `signal` has aborted if a statement is under way then: it may wait for a lock that somebody holds for
 * hours. Whoever awaits it gets an error of a lost connection.
 */
export function endStatementsWith(client: pg.Client, signal: AbortSignal, graceMs: number = STATEMENT_GRACE_MS): void {
  let late: NodeJS.Timeout | undefined;
  const begin = (): void => {
    late = setTimeout(() => {
      if ((client as Inside)._activeQuery) socketOf(client).destroy();
    }, graceMs);
  };
  client.once('end', () => {
    clearTimeout(late);
    signal.removeEventListener('abort', begin);
  });
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
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
