import type { Batch } from '../../change/batch.ts';
import { type CopyProgress, type CopyState, isWhole } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import { sqlState } from '../../postgres/errors.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import { catchUp } from './catch-up.ts';
import type { CopyPlan } from './copy-plan.ts';
import { FirstCopy, type FirstCopyParts } from './first-copy.ts';
import { Rereader } from './reread.ts';

/** SQLSTATE when max_replication_slots are in use. */
const CONFIGURATION_LIMIT_EXCEEDED = '53400';

/** What another copy has left to do, and the plan to do it. */
interface Left {
  readonly state: CopyState;
  readonly from: Position;
  readonly plan: CopyPlan;
}

/** The copy that a held source makes or goes on with: at most one at a time. */
export class HeldCopy {
  readonly #parts: FirstCopyParts;
  readonly #versions: VersionCounter;
  #copy: FirstCopy | undefined;
  #left: Left | undefined;
  #unlevel: CopyState | undefined;

  constructor(parts: FirstCopyParts, versions: VersionCounter) {
    this.#parts = parts;
    this.#versions = versions;
  }

  get progress(): CopyProgress | undefined {
    return this.#copy?.progress;
  }

  /** A copy that is whole, whose rows the stream has to bring to one moment. */
  get unlevel(): CopyState | undefined {
    return this.#unlevel;
  }

  /** Creates the slot; resolves with the point where it, and the copy, begin. */
  async begin(signal: AbortSignal): Promise<number> {
    this.#left = undefined;
    this.#unlevel = undefined;
    this.#copy = await FirstCopy.begin(this.#parts, signal);
    return this.#copy.pointLsn;
  }

  /** See `HeldSource`. */
  async goOn(state: CopyState, from: Position, signal: AbortSignal): Promise<boolean> {
    if (isWhole(state)) {
      this.#unlevel = state;
      return true;
    }
    if (this.#parts.settings.snapshotMode === 'no_data') return false;
    const plan = await this.#planAgain(signal);
    if (plan?.fingerprint === state.fingerprint) {
      this.#left = { state, from, plan };
      return true;
    }
    await this.close();
    return false;
  }

  /** The batches of the copy; `onCopied` hears at its end which tables it took. */
  async *batches(onCopied: (tables: readonly number[]) => void, signal: AbortSignal): AsyncGenerator<Batch> {
    const [copy, left] = [this.#copy, this.#left];
    if (!copy) throw new Error('A snapshot was asked for before the slot was created');
    try {
      const plan = left?.plan ?? (await copy.plan(this.#versions));
      const position = left?.from ?? lsnToPosition(copy.pointLsn);
      for await (const batch of copy.batches(plan, position, left?.state, signal)) {
        this.#unlevel = batch.copy;
        yield batch;
      }
      onCopied(copy.copied);
    } finally {
      await this.close();
    }
  }

  /** The stream behind the copy, which brings its rows to one moment if several snapshots read them; with `isEnough`, no further. */
  async *level(stream: AsyncIterable<Batch>, isEnough: boolean, signal: AbortSignal): AsyncGenerator<Batch> {
    if (this.#unlevel === undefined) return yield* stream;
    await using rereader = new Rereader(this.#parts);
    yield* catchUp(stream, this.#unlevel, (changes) => rereader.complete(changes, signal), isEnough, signal);
  }

  async close(): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    await copy?.close();
  }

  /** Undefined when the server has no slot to spare: a copy that begins anew needs none besides its own. */
  async #planAgain(signal: AbortSignal): Promise<CopyPlan | undefined> {
    try {
      this.#copy = await FirstCopy.again(this.#parts, signal);
    } catch (error) {
      if (sqlState(error) === CONFIGURATION_LIMIT_EXCEEDED) return undefined;
      throw error;
    }
    return await this.#copy.plan(this.#versions);
  }
}
