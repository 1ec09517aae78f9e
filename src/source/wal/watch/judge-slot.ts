import { judgeHolder, type SlotHolder } from './slot-holder.ts';
import type { SlotLook, WatchedSlot } from './slot-look.ts';

/**
 * How a slot is. `ok`; `warning` and `critical`: much of what it may keep is used, or soon will be; `exhausted`: it keeps more than its budget;
 * `lost`: the server has removed WAL that it needed; `missing`: there is none of this name.
 */
export type SlotLevel = 'ok' | 'warning' | 'critical' | 'exhausted' | 'lost' | 'missing';

export const SLOT_LEVELS: readonly SlotLevel[] = ['ok', 'warning', 'critical', 'exhausted', 'lost', 'missing'];

/** What one look at a slot amounts to. Bytes are bytes of WAL. */
export interface SlotFinding {
  readonly level: SlotLevel;
  /** What the server keeps for it; undefined when nothing is kept any more. */
  readonly retainedBytes: number | undefined;
  /** Written since what was acknowledged last. */
  readonly unconfirmedBytes: number | undefined;
  /** How much may be kept at most, and who says so; undefined: no limit is known but the disk. */
  readonly limit: { readonly bytes: number; readonly by: 'budget' | 'server' } | undefined;
  readonly safeWalBytes: number | undefined;
  readonly walStatus: WatchedSlot['walStatus'];
  readonly invalidation: string | undefined;
  /** What is kept grows by so much; below 0 when it shrinks. Undefined until two looks were made. */
  readonly bytesPerSecond: number | undefined;
  /** When the limit is reached if it goes on like this; undefined when it does not grow, or has no limit. */
  readonly secondsLeft: number | undefined;
  readonly isActive: boolean;
  readonly catalogXminAge: number | undefined;
  /** Why so much is kept; undefined when it is little. */
  readonly holder: SlotHolder | undefined;
}

/** What was kept at an earlier look: milliseconds by the clock of `now`, and bytes. */
export interface Retained {
  readonly at: number;
  readonly bytes: number;
}

export interface JudgeSlotOptions {
  /** `slot.budget.bytes`; 0: none. */
  readonly budgetBytes: number;
  /** Earlier looks, the oldest first; growth is measured from the first one. */
  readonly earlier: readonly Retained[];
  /** When this look was made, milliseconds by a clock that nobody sets. */
  readonly now: number;
  /** What was found before: a level falls only well below where it rises, so that it does not flicker. */
  readonly before: SlotLevel;
}

const WARNING_RATIO = 0.5;
const CRITICAL_RATIO = 0.8;
/** With this little time left a smaller part is worth a word too. */
const WARNING_SECONDS = 3600;
const CRITICAL_SECONDS = 600;
const LEAST_RATIO = 0.2;
/** A level that was reached is left below this part of its threshold. */
const FALLS_AT = 0.9;
/** Where nothing limits it. */
const MUCH_BYTES = 10 * 1024 ** 3;

/** Judges one look: numbers in, finding out. */
export function judgeSlot({ slot, walEnd, ...others }: SlotLook, options: JudgeSlotOptions): SlotFinding {
  if (slot === undefined) return { ...NOTHING, level: 'missing' };
  const { restartLsn, confirmedLsn, walStatus, safeWalBytes, invalidation, pid, catalogXminAge } = slot;
  const retainedBytes = restartLsn === undefined ? undefined : Math.max(0, walEnd - restartLsn);
  const unconfirmedBytes = confirmedLsn === undefined ? undefined : Math.max(0, walEnd - confirmedLsn);
  const limit = limitOf(retainedBytes, safeWalBytes, options.budgetBytes);
  const bytesPerSecond = growth(retainedBytes, options);
  const left =
    limit !== undefined && retainedBytes !== undefined ? Math.max(0, limit.bytes - retainedBytes) : undefined;
  const secondsLeft =
    left === undefined || bytesPerSecond === undefined || bytesPerSecond <= 0 ? undefined : left / bytesPerSecond;
  const seen = { retainedBytes, unconfirmedBytes, limit, bytesPerSecond, secondsLeft };
  return {
    ...seen,
    level: walStatus === 'lost' || invalidation !== undefined ? 'lost' : levelOf(walStatus, seen, options.before),
    safeWalBytes,
    walStatus,
    invalidation,
    isActive: pid !== undefined,
    catalogXminAge,
    holder: judgeHolder({ slot, retainedBytes, unconfirmedBytes, ...others }),
  };
}

/** True for a level that a person should hear of. */
export function isConcern(level: SlotLevel): boolean {
  return level !== 'ok';
}

const NOTHING: Omit<SlotFinding, 'level'> = {
  retainedBytes: undefined,
  unconfirmedBytes: undefined,
  limit: undefined,
  safeWalBytes: undefined,
  walStatus: undefined,
  invalidation: undefined,
  bytesPerSecond: undefined,
  secondsLeft: undefined,
  isActive: false,
  catalogXminAge: undefined,
  holder: undefined,
};

/** The smaller of the operator's budget and what the server's max_slot_wal_keep_size comes to now. */
function limitOf(
  retainedBytes: number | undefined,
  safeWalBytes: number | undefined,
  budgetBytes: number,
): SlotFinding['limit'] {
  const byServer =
    safeWalBytes === undefined || retainedBytes === undefined ? undefined : Math.max(0, retainedBytes + safeWalBytes);
  if (budgetBytes > 0 && (byServer === undefined || budgetBytes <= byServer))
    return { bytes: budgetBytes, by: 'budget' };
  return byServer === undefined ? undefined : { bytes: byServer, by: 'server' };
}

function growth(retainedBytes: number | undefined, { earlier, now }: JudgeSlotOptions): number | undefined {
  const [first] = earlier;
  if (first === undefined || retainedBytes === undefined || now <= first.at) return undefined;
  return ((retainedBytes - first.bytes) * 1000) / (now - first.at);
}

function levelOf(
  walStatus: WatchedSlot['walStatus'],
  seen: Pick<SlotFinding, 'retainedBytes' | 'limit' | 'secondsLeft'>,
  before: SlotLevel,
): SlotLevel {
  const { retainedBytes = 0, limit } = seen;
  if (limit?.by === 'budget' && retainedBytes >= limit.bytes) return 'exhausted';
  const isAtLeast = (level: 'warning' | 'critical', threshold: number): boolean => {
    const wasReached = SLOT_LEVELS.indexOf(before) >= SLOT_LEVELS.indexOf(level) && before !== 'missing';
    return reaches(level, seen, threshold * (wasReached ? FALLS_AT : 1));
  };
  if (walStatus === 'unreserved' || isAtLeast('critical', CRITICAL_RATIO)) return 'critical';
  return isAtLeast('warning', WARNING_RATIO) ? 'warning' : 'ok';
}

function reaches(
  level: 'warning' | 'critical',
  { retainedBytes = 0, limit, secondsLeft = Infinity }: Pick<SlotFinding, 'retainedBytes' | 'limit' | 'secondsLeft'>,
  ratio: number,
): boolean {
  if (limit === undefined) return level === 'warning' && retainedBytes >= (MUCH_BYTES * ratio) / WARNING_RATIO;
  if (retainedBytes >= limit.bytes * ratio) return true;
  const soon = level === 'warning' ? WARNING_SECONDS : CRITICAL_SECONDS;
  return secondsLeft < soon && retainedBytes >= limit.bytes * LEAST_RATIO;
}
