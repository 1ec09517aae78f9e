import { createHash } from 'node:crypto';
import type pg from 'pg';
import { endAfter } from '../../deadline.ts';
import type { ByteWriter } from '../../change/byte-writer.ts';
import { TransientError } from '../../errors.ts';
import { socketOf } from '../../postgres/bounded-client.ts';
import { connect } from '../../postgres/connect.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import type { ResolvedSinkSettings } from './settings.ts';
import { endWhenSilent, type Seen } from './silence.ts';
import { CopyFrames, CopyIn, type StatementResult, Statements } from './wire.ts';
import { failPoint } from '../../failpoint.ts';

/** How long a server that may be gone is waited for, when nothing depends on its answer. */
export const PATIENCE_MS = 5_000;

/** What is being done, for errors; it may depend on how many of the statements were done. */
type Doing = string | ((done: number) => string);

/**
 * How the sink's sessions are seen in pg_stat_activity, and how a claimer knows an earlier owner. The server keeps 63 bytes, and of other characters than
 * ASCII's nothing that could be compared: such names, and longer ones, are told apart by a digest.
 */
export function applicationName({ name }: Pick<ResolvedSinkSettings, 'name'>): string {
  const full = `rowcast sink ${name}`;
  if (/^[ -~]{1,63}$/.test(full)) return full;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${full.replaceAll(/[^ -~]/g, '_').slice(0, 50)}:${digest}`;
}

/**
 * One connection to the target. Its session commits asynchronously: safe, because rows and progress are one transaction and
 * the log still has the data, so that a crash of the target takes both back together.
 */
export class Session implements AsyncDisposable {
  readonly client: pg.Client;
  /** Triggers and foreign keys of the target do not fire (`session_replication_role = replica`). */
  readonly isReplica: boolean;
  /** The server's major version. */
  readonly version: number;
  readonly #frames = new CopyFrames();
  #lost = false;

  private constructor(client: pg.Client, isReplica: boolean, version: number) {
    this.client = client;
    this.isReplica = isReplica;
    this.version = version;
    client.once('end', () => {
      this.#lost = true;
    });
  }

  /** An abort is not held up by a server that does not answer. */
  static async open(settings: ResolvedSinkSettings, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    const opening = Session.#connect(settings, signal);
    let abort!: () => void;
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
    });
    try {
      return await Promise.race([opening, aborted]);
    } catch (error) {
      opening.then(
        (late) => late.destroy(),
        () => {}, // then there is nothing to close
      );
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  static async #connect(settings: ResolvedSinkSettings, signal: AbortSignal): Promise<Session> {
    const pins = { synchronous_commit: 'off', lock_timeout: String(settings.lockTimeoutMs) };
    const client = await connect(settings.connection, applicationName(settings), pins, signal);
    try {
      const session = new Session(client, await becomeReplica(client), await versionOf(client));
      endWhenSilent(client, () => askOf(session.backend, settings), settings.quietMs);
      return session;
    } catch (error) {
      await client.end();
      throw postgresError(error, 'Cannot prepare the session on the target');
    }
  }

  /** The server's process of this session. */
  get backend(): number {
    return Number((this.client as unknown as { readonly processID: number }).processID);
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /**
   * Runs statements in one round trip; an error ends the rest of them. `copied` has what each COPY among them reads (`writeCopyData`).
   * An abort drops the connection.
   */
  async run(
    sql: string | ByteWriter,
    doing: Doing,
    signal: AbortSignal | undefined,
    sent?: () => void,
    copied?: ByteWriter,
  ): Promise<readonly StatementResult[]> {
    const query = new Statements(typeof sql === 'string' ? Buffer.from(sql) : sql.view(), copied?.view());
    return await this.#exchange(query, doing, signal, sent);
  }

  /** Runs exactly one statement: the extended protocol refuses a second one behind a semicolon. */
  async single(text: string): Promise<void> {
    const query: pg.QueryConfig & { queryMode: 'extended' } = { text, queryMode: 'extended' };
    await this.client.query(query);
  }

  /** COPY … FROM STDIN; `fill` appends rows and says whether there are more. Returns the number of rows. */
  async copy(
    sql: string,
    fill: (out: ByteWriter, limit: number) => boolean,
    doing: string,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const results = await this.#exchange(new CopyIn(sql, fill, this.#frames), doing, signal);
    failPoint('sink.rows-copied');
    return results[0]?.count ?? 0;
  }

  /** Breaks the connection without a goodbye; the server rolls back. */
  destroy(): void {
    this.#lost = true;
    socketOf(this.client).destroy();
  }

  /**
   * For look-ups that have no signal of their own: an abort drops the connection under them, `patienceMs` later, and is what
   * they then fail with.
   */
  async guarded<T>(signal: AbortSignal, work: () => Promise<T>, patienceMs: number = 0): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      if (patienceMs === 0) this.destroy();
      else timer = setTimeout(() => this.destroy(), patienceMs);
    };
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await work();
    } catch (error) {
      if (patienceMs === 0) signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#lost) await this.client.end();
  }

  async #exchange(
    query: Statements | CopyIn,
    doing: Doing,
    signal: AbortSignal | undefined,
    sent?: () => void,
  ): Promise<readonly StatementResult[]> {
    signal?.throwIfAborted();
    if (this.#lost) throw new TransientError(`${textOf(doing, 0)}: the connection was lost`);
    const abort = (): void => this.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.client.query(query);
      sent?.();
      return await query.done;
    } catch (error) {
      signal?.throwIfAborted();
      if (sqlState(error)?.startsWith('57P')) this.#lost = true;
      throw postgresError(error, textOf(doing, query.results.length));
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}

/** What the server says of a session, on another connection. */
async function askOf(backend: number, { connection }: ResolvedSinkSettings): Promise<Seen> {
  try {
    const client = await connect(connection, 'rowcast watch');
    try {
      const { rows } = await client.query<{ done: boolean | null }>(
        // Where states are not told it is taken for one that works.
        /* sql */ `select state like 'idle%' or state = 'active' and wait_event is not distinct from 'ClientRead' as done
          from pg_catalog.pg_stat_activity where pid = $1`,
        [backend],
      );
      return rows[0] === undefined || rows[0].done ? 'done' : 'at work';
    } finally {
      await client.end();
    }
  } catch (error) {
    return sqlState(error) === undefined ? 'done' : 'unknown'; // what cannot be reached will not answer either
  }
}

/** Rolls back what is open; a connection that cannot is dropped, which does it as well. */
export async function rollBack(session: Session): Promise<void> {
  if (session.isLost) return;
  try {
    await session.run(/* sql */ `rollback`, 'Cannot roll back on the target', endAfter(PATIENCE_MS));
  } catch {
    session.destroy();
  }
}

/** False when the role may not: statements are then ordered by foreign keys. */
async function becomeReplica(client: pg.Client): Promise<boolean> {
  try {
    await client.query(/* sql */ `set session_replication_role = replica`);
    return true;
  } catch (error) {
    if (sqlState(error) === '42501') return false;
    throw error;
  }
}

async function versionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    /* sql */ `select current_setting('server_version_num')::int / 10000 as version`,
  );
  return rows[0]?.version ?? 0;
}

function textOf(doing: Doing, done: number): string {
  return typeof doing === 'string' ? doing : doing(done);
}
