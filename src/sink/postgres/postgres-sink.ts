import { failPoint } from '../../failpoint.ts';
import type { Ownership, Sink, SinkTransaction } from '../sink.ts';
import { Executor } from './executor.ts';
import { beginTransaction, claimProgress, createProgressTables } from './progress.ts';
import { Session } from './session.ts';
import { type PostgresSinkSettings, type ResolvedSinkSettings, resolveSinkSettings } from './settings.ts';
import { Tables } from './tables.ts';
import { PostgresSinkTransaction } from './transaction.ts';
import { onceEach, type Warn } from './warn.ts';

/** A sink that keeps a Postgres database as a replica of what it is given. It connects when it is first used. */
export function createPostgresSink(settings: PostgresSinkSettings, warn: Warn = () => undefined): Sink {
  return new PostgresSink(resolveSinkSettings(settings), onceEach(warn));
}

class PostgresSink implements Sink {
  readonly #settings: ResolvedSinkSettings;
  readonly #tables: Tables;
  readonly #warn: Warn;
  #session: Session | undefined;
  #executor: Executor | undefined;

  constructor(settings: ResolvedSinkSettings, warn: Warn) {
    this.#settings = settings;
    this.#warn = warn;
    this.#tables = new Tables(settings, warn);
  }

  async claim(signal: AbortSignal): Promise<Ownership> {
    const { session } = await this.#connected(signal);
    try {
      await createProgressTables(session, signal);
      const owned = await claimProgress(session, this.#settings, signal);
      failPoint('sink.claimed');
      return owned;
    } catch (error) {
      session.destroy(); // its transaction may be open
      throw error;
    }
  }

  async begin(owned: Ownership, signal: AbortSignal): Promise<SinkTransaction> {
    const { session, executor } = await this.#connected(signal);
    const transaction = new PostgresSinkTransaction({
      settings: this.#settings,
      tables: this.#tables,
      warn: this.#warn,
      session,
      executor,
      isFirstCopy: owned.progress?.consistent !== true,
    });
    try {
      await beginTransaction(session, this.#settings, owned, signal);
      return transaction;
    } catch (error) {
      await transaction[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
    this.#session = undefined;
  }

  async #connected(signal: AbortSignal): Promise<{ session: Session; executor: Executor }> {
    signal.throwIfAborted();
    if (this.#session === undefined || this.#executor === undefined || this.#session.isLost) {
      this.#session = await Session.open(this.#settings, signal);
      this.#executor = new Executor(this.#session);
    }
    this.#tables.use(this.#session);
    return { session: this.#session, executor: this.#executor };
  }
}
