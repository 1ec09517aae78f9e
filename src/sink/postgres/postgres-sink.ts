import type { Batch } from '../../change/batch.ts';
import { failPoint } from '../../failpoint.ts';
import type { Ownership, Progress, Sink, SinkTransaction } from '../sink.ts';
import { AtOnce } from './at-once.ts';
import { claimInTurn, type SinkLife } from './claim-in-turn.ts';
import { Executor } from './executor.ts';
import { livingOwner, storedOwner } from './owner.ts';
import { beginTransaction, claimProgress, createProgressTables } from './progress.ts';
import { Session } from './session.ts';
import { type PostgresSinkSettings, type ResolvedSinkSettings, resolveSinkSettings } from './settings.ts';
import { Tables } from './tables.ts';
import { PostgresSinkTransaction } from './transaction.ts';
import { onceEach, type Warn } from './warn.ts';

/** A sink that keeps a Postgres database as a replica of what it is given. It connects when it is first used. `life` outlives it. */
export function createPostgresSink(
  settings: PostgresSinkSettings,
  warn: Warn = () => undefined,
  life: SinkLife = { hasClaimed: false },
): Sink {
  return new PostgresSink(resolveSinkSettings(settings), onceEach(warn), life);
}

/** What works on one connection. */
interface Place {
  readonly session: Session;
  readonly executor: Executor;
  readonly atOnce: AtOnce;
}

class PostgresSink implements Sink {
  readonly #settings: ResolvedSinkSettings;
  readonly #tables: Tables;
  readonly #warn: Warn;
  readonly #life: SinkLife;
  #place: Place | undefined;

  constructor(settings: ResolvedSinkSettings, warn: Warn, life: SinkLife) {
    this.#settings = settings;
    this.#life = life;
    this.#warn = warn;
    this.#tables = new Tables(settings, warn);
  }

  async claim(signal: AbortSignal): Promise<Ownership> {
    const { session } = await this.#connected(signal);
    try {
      await createProgressTables(session, signal);
      failPoint('sink.before-claim');
      const owned = await claimInTurn(this.#settings.name, this.#life, {
        owner: () => livingOwner(session, this.#settings, signal),
        claim: () => claimProgress(session, this.#settings, this.#life.owner, signal),
      });
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
      owner: storedOwner(this.#life.owner, owned.epoch, session),
      isFirstCopy: owned.progress?.consistent !== true,
    });
    try {
      await beginTransaction(session, this.#settings, owned, signal);
      failPoint('sink.begun');
      return transaction;
    } catch (error) {
      await transaction[Symbol.asyncDispose]();
      throw error;
    }
  }

  async commitOne(
    owned: Ownership,
    batch: Batch | undefined,
    progress: Progress,
    durable: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { atOnce, session } = await this.#connected(signal);
    const owner = storedOwner(this.#life.owner, owned.epoch, session);
    if (await atOnce.commit(owned, batch, { progress, owner }, durable, signal)) return;
    await using transaction = await this.begin(owned, signal);
    if (batch !== undefined) await transaction.apply(batch, signal);
    await transaction.commit(progress, durable, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place?.session[Symbol.asyncDispose]();
    this.#place = undefined;
  }

  async #connected(signal: AbortSignal): Promise<Place> {
    signal.throwIfAborted();
    if (this.#place === undefined || this.#place.session.isLost) {
      const session = await Session.open(this.#settings, signal);
      const atOnce = new AtOnce(session, this.#settings, this.#tables);
      this.#place = { session, executor: new Executor(session), atOnce };
    }
    this.#tables.use(this.#place.session);
    return this.#place;
  }
}
