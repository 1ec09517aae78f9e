import type { Batch } from '../../../src/change/batch.ts';
import { RefusedError } from '../../../src/errors.ts';
import { claimInTurn, type SinkLife, type StoredOwner } from '../../../src/sink/postgres/claim-in-turn.ts';
import type { Ownership, Progress, Sink, SinkTransaction } from '../../../src/sink/sink.ts';
import type { Process } from '../process.ts';
import type { Backend, Target } from './target.ts';
import type { Session } from './target-sessions.ts';

/** A sink of the model target for one run. Who may claim when is decided by the code of the real one (V8). */
export class ModelSink implements Sink {
  readonly #target: Target;
  readonly #process: Process;
  readonly #life: SinkLife;
  #session: Session | undefined;

  constructor(target: Target, process: Process, life: SinkLife) {
    this.#target = target;
    this.#process = process;
    this.#life = life;
  }

  async claim(signal: AbortSignal): Promise<Ownership> {
    const { scheduler, checker } = this.#target.world;
    const begun = scheduler.steps;
    const session = this.#connected();
    let owner: StoredOwner | undefined;
    try {
      const owned = await claimInTurn('replica', this.#life, {
        owner: async () => (owner = await this.#target.owner(session, signal)),
        claim: () => this.#target.claim(session, begun, signal),
      });
      checker.claimed(this.#process.id);
      return owned;
    } catch (error) {
      this.#lose();
      if (error instanceof RefusedError) checker.refused(this.#process.id, owner?.pid);
      throw error;
    }
  }

  async begin(owned: Ownership, signal: AbortSignal): Promise<SinkTransaction> {
    const backend = await this.#target.begin(this.#connected(), owned, signal);
    return new ModelTransaction(this.#target, backend, () => this.#lose());
  }

  async commitOne(
    owned: Ownership,
    batch: Batch | undefined,
    progress: Progress,
    durable: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#target.commitOne(this.#connected(), owned, batch, progress, durable, signal);
    } catch (error) {
      this.#lose();
      throw error;
    }
  }

  /** Says goodbye: the server knows at once. */
  [Symbol.asyncDispose](): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session) this.#target.world.scheduler.post('sink.goodbye', this.#process.id, () => (session.isAlive = false));
    return Promise.resolve();
  }

  #connected(): Session {
    if (!this.#session?.isAlive) this.#session = this.#target.sessions.open(this.#process, this.#life);
    return this.#session;
  }

  /** The connection is broken; the server finds that out later. */
  #lose(): void {
    if (this.#session) this.#target.sessions.lose(this.#session);
    this.#session = undefined;
  }
}

class ModelTransaction implements SinkTransaction {
  readonly #target: Target;
  readonly #backend: Backend;
  readonly #lose: () => void;
  /** After COMMIT was sent the connection is closed, not rolled back: nobody knows what it did. */
  #isSent = false;

  constructor(target: Target, backend: Backend, lose: () => void) {
    this.#target = target;
    this.#backend = backend;
    this.#lose = lose;
  }

  apply(batch: Batch, signal: AbortSignal): Promise<void> {
    return this.#target.apply(this.#backend, batch, signal);
  }

  async commit(progress: Progress, durable: boolean, signal: AbortSignal): Promise<void> {
    this.#isSent = true;
    try {
      await this.#target.commit(this.#backend, progress, durable, signal);
    } catch (error) {
      this.#lose();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isSent) await this.#target.rollback(this.#backend);
  }
}
