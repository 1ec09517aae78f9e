import type { Position } from '../../../change/position.ts';
import type { Clock } from '../../../clock.ts';
import { OperatorError, TransientError } from '../../../errors.ts';
import { positionToLsn } from '../../../postgres/lsn.ts';
import type { Warn } from '../../capture/warn.ts';

/** The stream has not come to a place for so long: perhaps the server does not flush what it has written. */
const STALLED_MS = 100;

export interface AwaitedPlaceParts {
  readonly clock: Clock;
  readonly warn: Warn;
  /** Makes the stream haste to a position. */
  readonly want: (lsn: number) => void;
}

/** The place in the WAL that the stream has to come to before a copy goes on. */
export class AwaitedPlace {
  readonly #parts: AwaitedPlaceParts;
  /** Makes the server flush what it has written. */
  readonly #flush: (signal: AbortSignal) => Promise<void>;
  /** Since when it has been waited for, in milliseconds. */
  #since: number | undefined;
  readonly #told = new Set<string>();

  constructor(parts: AwaitedPlaceParts, flush: (signal: AbortSignal) => Promise<void>) {
    this.#parts = parts;
    this.#flush = flush;
  }

  /** Whether the stream, which stands at `position`, has come to `lsn`; if not, it is asked to haste. */
  isReached(position: Position, lsn: number): boolean {
    if (positionToLsn(position) >= lsn) {
      this.#since = undefined;
      return true;
    }
    this.#parts.want(lsn);
    this.#since ??= this.#parts.clock.monotonic();
    return false;
  }

  /** An idle server keeps what it wrote of its own accord (hint bits, pruned pages) unflushed, and the stream before it: a commit takes it along. */
  async hasten(signal: AbortSignal): Promise<void> {
    const { clock, warn } = this.#parts;
    if (this.#since === undefined || clock.monotonic() - this.#since < STALLED_MS) return;
    this.#since = clock.monotonic();
    try {
      await this.#flush(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TransientError) return; // the next one
      if (!(error instanceof OperatorError)) throw error;
      if (!this.#told.has(error.message))
        warn(error.message, 'Copies go on, but wait for the next commit at the source.');
      this.#told.add(error.message);
    }
  }
}
