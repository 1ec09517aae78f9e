import type { SlotView } from './slot-view.ts';

/** A slot in the answers of the REST API; `null` is what there is not, so that a client finds every member. */
export function slotDetails({ slot, at, finding, concern, advice, lag }: SlotView): object {
  const { level, retainedBytes, limit, safeWalBytes, walStatus, bytesPerSecond, secondsLeft, isActive, holder } =
    finding;
  return {
    name: slot,
    looked_at: at,
    level,
    active: isActive,
    wal_status: walStatus ?? null,
    retained_bytes: retainedBytes ?? null,
    limit_bytes: limit?.bytes ?? null,
    safe_wal_size: safeWalBytes ?? null,
    bytes_per_second: bytesPerSecond === undefined ? null : Math.round(bytesPerSecond),
    seconds_left: secondsLeft === undefined ? null : Math.round(secondsLeft),
    held_back_by: holder ?? null,
    lag_bytes: lag?.bytes ?? null,
    lag_transactions: lag?.transactions ?? null,
    concern: concern ?? null,
    advice: advice ?? null,
  };
}
