import type { Batch } from '../../../src/change/batch.ts';
import { TransientError } from '../../../src/errors.ts';
import type { SinkLife, StoredOwner } from '../../../src/sink/postgres/claim-in-turn.ts';
import type { Ownership, Progress, Sink } from '../../../src/sink/sink.ts';
import type { Process } from '../process.ts';
import { type Applied, NOTHING_APPLIED } from '../checker.ts';
import { fateOf } from './hazards.ts';
import { ModelSink } from './model-sink.ts';
import { showBatchChange } from './rows.ts';
import { SESSION_TIMEOUT_MS, Sessions, type Session } from './target-sessions.ts';
import type { World } from './world.ts';

/** After this long a claimer ends the backend that it waits for; a writer gives up. */
const LOCK_TIMEOUT_MS = 5_000;

/** One connection's transaction in the target. */
export interface Backend {
  readonly session: Session;
  readonly process: Process;
  readonly requests: (() => void)[];
  readonly applied: string[];
  isAlive: boolean;
}

/** Somebody who waits for the lock of the progress row. */
interface Waiter {
  readonly backend: Backend;
  readonly proceed: () => void;
  readonly fail: (error: TransientError) => void;
}

/** What the target has on disk after a commit. */
interface Committed {
  readonly epoch: number;
  /** Who has claimed it, and the session that it had with the last commit. */
  readonly owner: Session | undefined;
  readonly progress: Progress | undefined;
  readonly applied: Applied;
}

/** The replica's server: the progress row with its lock, and transactions that end at last. */
export class Target {
  readonly world: World;
  readonly sessions: Sessions = new Sessions();
  /** The last durable state first; a crash may go back to any of them. */
  #history: Committed[] = [{ epoch: 0, owner: undefined, progress: undefined, applied: NOTHING_APPLIED }];
  /** All that it ever had. */
  readonly #past: Committed[] = [...this.#history];
  #holder: Backend | undefined;
  #queue: Waiter[] = [];

  constructor(world: World) {
    this.world = world;
  }

  get committed(): Committed {
    return this.#history.at(-1) as Committed;
  }

  sink(process: Process, life: SinkLife): Sink {
    return new ModelSink(this, process, life);
  }

  /** The server crashes: open transactions are gone, and commits that were not durable may be gone. */
  crash(): void {
    const holder = this.#holder;
    const waiting = this.#queue;
    this.#queue = [];
    this.#holder = undefined;
    if (holder) holder.isAlive = false;
    this.sessions.endAll();
    for (const { fail } of waiting) fail(new TransientError('The target crashed'));
    const kept = this.world.random.between(1, this.#history.length);
    if (kept < this.#history.length) this.world.count('target lost commits');
    this.#history = this.#history.slice(0, kept);
  }

  /** The server is put back from a backup: it has what it had behind one of its commits. */
  putBack(): void {
    this.crash();
    const kept = this.world.random.pick(this.#past);
    this.#history = [kept];
  }

  /** The client of this process is gone; its backend is found out later. */
  lostClient(process: Process): void {
    this.sessions.lostClient(process);
    const holder = this.#holder;
    if (holder?.process !== process) return;
    this.world.scheduler.timer(SESSION_TIMEOUT_MS, 'backend timeout', process.id, () => {
      if (holder.isAlive && process.state !== 'running') this.#end(holder);
    });
  }

  /** Who owns the target, while that one's session is there; as what a sink asks the real one. */
  owner({ process }: Session, signal: AbortSignal): Promise<StoredOwner | undefined> {
    const look = (): StoredOwner | undefined => {
      const { owner, epoch } = this.committed;
      return owner?.isAlive && owner.life.owner ? { ...owner.life.owner, epoch, backend: owner.id } : undefined;
    };
    return process.call('sink.owner', look, { signal });
  }

  /** `begun`: the step in which the claimer began to ask. */
  claim(session: Session, begun: number, signal: AbortSignal): Promise<Ownership> {
    const backend = newBackend(session);
    const { random, hazards, checker } = this.world;
    return session.process.converse<Ownership>(
      'sink.claim',
      (resolve, fail) => {
        const proceed = (): void => {
          const { epoch, owner, progress, applied } = this.committed;
          if (owner?.isAlive)
            checker.targetTaken(session.process.id, begun, owner.process.id, owner.ownsSince as number);
          this.#commit({ epoch: epoch + 1, owner: this.#signed(session), progress, applied }, true);
          this.#end(backend);
          resolve({ epoch: epoch + 1, progress });
        };
        this.#lock({ backend, proceed, fail }, () => {
          if (this.#holder === undefined) return;
          this.world.count('backend terminated');
          this.#holder.session.isAlive = false;
          this.#end(this.#holder);
        });
      },
      { signal, fate: fateOf(random, hazards.commitLost, hazards.commitUnanswered, hazards.commitLate / 2) },
    );
  }

  async begin(session: Session, owned: Ownership, signal: AbortSignal): Promise<Backend> {
    const { process } = session;
    const backend = newBackend(session);
    const begin = (resolve: () => void, reject: (error: unknown) => void): void => {
      const fail = (error: TransientError): void => {
        this.#end(backend);
        reject(error);
      };
      const proceed = (): void => {
        const stranger = this.#otherThan(owned);
        if (stranger) fail(stranger);
        else resolve();
      };
      this.#lock({ backend, proceed, fail }, () => fail(new TransientError('Lock timeout')));
    };
    try {
      await process.converse<void>('sink.begin', begin, { signal });
    } catch (error) {
      this.world.scheduler.post('sink.disconnect', process.id, () => this.#end(backend));
      throw error;
    }
    return backend;
  }

  /** One message: nobody gets between the lock, the rows and the commit, but the answer may be lost, or the message late. */
  async commitOne(
    session: Session,
    owned: Ownership,
    batch: Batch | undefined,
    progress: Progress,
    durable: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const backend = newBackend(session);
    const shown = batch === undefined ? [] : showBatch(batch);
    const { random, hazards } = this.world;
    const fate = fateOf(random, hazards.commitLost, hazards.commitUnanswered, hazards.commitLate);
    if (fate !== 'answered') this.world.count(`commit at once ${fate}`);
    const run = (resolve: () => void, reject: (error: unknown) => void): void => {
      const fail = (error: TransientError): void => {
        this.#end(backend);
        reject(error);
      };
      const proceed = (): void => {
        const stranger = this.#otherThan(owned);
        if (stranger) return fail(stranger);
        this.#store(backend, shown, progress, durable);
        this.world.count('commit at once');
        this.#end(backend);
        resolve();
      };
      this.#lock({ backend, proceed, fail }, () => fail(new TransientError('Lock timeout')));
    };
    await session.process.converse<void>('sink.commitOne', run, { signal, fate });
  }

  /** The row is not what the owner left (V5). */
  #otherThan(owned: Ownership): TransientError | undefined {
    const { epoch, progress } = this.committed;
    if (epoch !== owned.epoch) return new TransientError(`Epoch is ${epoch}, not ${owned.epoch}`);
    const isSame = progress?.checkpointOffset === owned.progress?.checkpointOffset;
    return isSame ? undefined : new TransientError('Progress is not what was claimed');
  }

  /** Lets the waiter proceed with the lock of the progress row; `onTimeout` when that takes too long, again and again. */
  #lock(waiter: Waiter, onTimeout: () => void): void {
    const { backend } = waiter;
    if (!backend.isAlive) return;
    if (this.#holder === undefined) return this.#grant(waiter);
    this.#queue.push(waiter);
    const expire = (): void => {
      if (!this.#queue.includes(waiter)) return;
      onTimeout();
      if (this.#queue.includes(waiter))
        this.world.scheduler.timer(LOCK_TIMEOUT_MS, 'lock timeout', backend.process.id, expire);
    };
    this.world.scheduler.timer(LOCK_TIMEOUT_MS, 'lock timeout', backend.process.id, expire);
  }

  #grant({ backend, proceed }: Waiter): void {
    this.#holder = backend;
    if (backend.process.state !== 'running') this.lostClient(backend.process);
    proceed();
  }

  /** Ends a backend: what it has not committed is rolled back, and the next one gets the lock. */
  #end(backend: Backend): void {
    backend.isAlive = false;
    this.#queue = this.#queue.filter((waiter) => waiter.backend !== backend);
    if (this.#holder !== backend) return;
    this.#holder = undefined;
    const next = this.#queue.shift();
    if (next) this.#grant(next);
  }

  apply(backend: Backend, batch: Batch, signal: AbortSignal): Promise<void> {
    return backend.process.call(
      'sink.apply',
      () => {
        this.#check(backend);
        backend.applied.push(...showBatch(batch));
      },
      { signal, chain: backend.requests },
    );
  }

  /** Commits; when the outcome stays unknown the backend lives on, half open, with the lock. */
  commit(backend: Backend, progress: Progress, durable: boolean, signal: AbortSignal): Promise<void> {
    const { random, hazards } = this.world;
    const fate = fateOf(random, hazards.commitLost, hazards.commitUnanswered, hazards.commitLate);
    if (fate !== 'answered') {
      this.world.count(`commit ${fate}`);
      this.world.scheduler.timer(SESSION_TIMEOUT_MS, 'backend timeout', backend.process.id, () => {
        if (backend.isAlive) this.#end(backend);
      });
    }
    return backend.process.call(
      'sink.commit',
      () => {
        this.#check(backend);
        this.#store(backend, backend.applied, progress, durable);
        this.#end(backend);
      },
      { signal, fate, chain: backend.requests },
    );
  }

  rollback(backend: Backend): Promise<void> {
    return backend.process.call('sink.rollback', () => this.#end(backend), { chain: backend.requests });
  }

  #store({ session }: Backend, shown: readonly string[], progress: Progress, durable: boolean): void {
    const { epoch, applied } = this.committed;
    const after = this.world.checker.committed(applied, shown, progress);
    this.#commit({ epoch, owner: this.#signed(session), progress, applied: after }, durable);
  }

  #signed(session: Session): Session {
    session.ownsSince ??= this.world.scheduler.steps;
    return session;
  }

  #commit(state: Committed, durable: boolean): void {
    if (durable) this.#history = [];
    this.#history.push(state);
    this.#past.push(state);
  }

  #check(backend: Backend): void {
    if (!backend.isAlive || this.#holder !== backend) throw new TransientError('Backend was terminated');
  }
}

function newBackend(session: Session): Backend {
  return { session, process: session.process, requests: [], applied: [], isAlive: true };
}

function showBatch(batch: Batch): string[] {
  return Array.from({ length: batch.length }, (_, i) => showBatchChange(batch, i)).filter((each) => each !== undefined);
}
