import type { Clock } from '../../clock.ts';
import type { PostgresWalConfig } from '../../connector/postgres-wal-source.ts';
import type { Logger } from '../../observe/logger.ts';
import {
  judgeSlot,
  type Retained,
  SLOT_LEVELS,
  type SlotFinding,
  type SlotLevel,
} from '../../source/wal/watch/judge-slot.ts';
import type { SlotLook } from '../../source/wal/watch/slot-look.ts';
import { concernAdvice, concernText } from '../../source/wal/watch/slot-words.ts';
import { type WalLag, WalMarks } from '../../source/wal/watch/wal-marks.ts';
import type { SlotView } from './slot-view.ts';

/** What of a connector's settings the watch goes by. */
export type WatchSettings = Pick<PostgresWalConfig, 'slot' | 'slotBudgetBytes' | 'slotBudgetPolicy'>;

/** Growth is measured over this time, so that one large transaction is no trend. */
const TREND_MS = 5 * 60_000;
/** So many looks in a row have to find the budget used up before anything is dropped for it. */
const LOOKS_BEFORE_DROP = 3;
/** Less than this is what an idle server writes by itself. */
const IDLE_BYTES = 1024 ** 2;

/** What is known of one slot from look to look: the trend, what was told of it, and what is shown. */
export class WatchedSlot {
  readonly #connector: string;
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly #marks = new WalMarks();
  #earlier: Retained[] = [];
  #level: SlotLevel = 'ok';
  #exhausted = 0;
  #moved: { readonly confirmed: number; readonly at: number } | undefined;
  #view: SlotView | undefined;

  constructor(
    connector: string,
    clock: Pick<Clock, 'now' | 'monotonic'>,
    logger: Pick<Logger, 'info' | 'warn' | 'error'>,
  ) {
    this.#connector = connector;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** What the last look has found; undefined when there was none, or it has failed. */
  get view(): SlotView | undefined {
    return this.#view;
  }

  /** True when the budget is used up for good, and the connector's policy is to drop the slot. */
  isToDrop({ slotBudgetPolicy }: WatchSettings): boolean {
    return slotBudgetPolicy === 'drop' && this.#exhausted >= LOOKS_BEFORE_DROP;
  }

  /** How far a position in this server's WAL is behind its end. */
  lag(lsn: number): WalLag | undefined {
    return this.#view && this.#marks.lag(lsn);
  }

  /**
   * Takes a look in. `stored` is the position that the log has, as far as it is known. A slot that is not there is no news before one was seen:
   * a source that starts has none.
   */
  see(look: SlotLook, settings: WatchSettings, stored: number | undefined): void {
    const now = this.#clock.monotonic();
    const { slot } = settings;
    if (look.slot === undefined && this.#view === undefined) return;
    const budgetBytes = settings.slotBudgetBytes;
    const finding = judgeSlot(look, { budgetBytes, earlier: this.#earlier, now, before: this.#level });
    this.#remember(finding, now);
    this.#marks.add({ lsn: look.walEnd, xid: look.nextXid });
    const confirmed = Math.max(look.slot?.confirmedLsn ?? 0, stored ?? 0);
    this.#view = {
      slot,
      at: this.#clock.now(),
      finding,
      concern: concernText(slot, finding),
      advice: concernAdvice(this.#connector, finding),
      lag: confirmed === 0 ? undefined : this.#marks.lag(confirmed),
      standsSince: this.#standsSince(confirmed, look.walEnd, now),
    };
    this.#tell(this.#view);
  }

  /** Nothing is known any more: what was seen is not shown as if it were so still. */
  forget(): void {
    this.#view = undefined;
    this.#earlier = [];
    this.#exhausted = 0;
    this.#moved = undefined;
  }

  #remember({ level, retainedBytes }: SlotFinding, now: number): void {
    this.#exhausted = level === 'exhausted' ? this.#exhausted + 1 : 0;
    if (retainedBytes === undefined) this.#earlier = [];
    else this.#earlier.push({ at: now, bytes: retainedBytes });
    this.#earlier = this.#earlier.filter(({ at }) => now - at <= TREND_MS);
  }

  #standsSince(confirmed: number, walEnd: number, now: number): number | undefined {
    if (this.#moved === undefined || confirmed !== this.#moved.confirmed) this.#moved = { confirmed, at: now };
    const isBehind = confirmed > 0 && walEnd - confirmed > IDLE_BYTES;
    // As of the time of day that is right now: one that was set meanwhile must not look like a stall.
    return isBehind ? this.#clock.now() - (now - this.#moved.at) : undefined;
  }

  /** Once per crossing: a level that stays is shown, and not told again. */
  #tell({ slot, finding, concern, advice }: SlotView): void {
    const { level, retainedBytes, limit, bytesPerSecond, secondsLeft, holder } = finding;
    if (level === this.#level) return;
    const isWorse = SLOT_LEVELS.indexOf(level) > SLOT_LEVELS.indexOf(this.#level);
    this.#level = level;
    const fields = {
      connector: this.#connector,
      slot,
      level,
      retainedBytes,
      limitBytes: limit?.bytes,
      bytesPerSecond: bytesPerSecond === undefined ? undefined : Math.round(bytesPerSecond),
      secondsLeft: secondsLeft === undefined ? undefined : Math.round(secondsLeft),
      holder: holder?.kind,
      state: concern,
      advice,
    };
    if (level === 'ok') this.#logger.info('slot is well again', fields);
    else if (!isWorse) this.#logger.info('slot keeps less WAL', fields);
    else if (level === 'lost') this.#logger.error('slot is lost', fields);
    else if (level === 'exhausted') this.#logger.error('slot keeps more WAL than its budget', fields);
    else if (level === 'missing') this.#logger.warn('slot is gone', fields);
    else if (level === 'critical') this.#logger.warn('slot has almost no room left', fields);
    else this.#logger.warn('slot keeps much WAL', fields);
  }
}
