/** What a sink knows of the time that transactions take; times are milliseconds since 1970, by two clocks, and 0 says never. */
export interface AppliedTimes {
  /** When the transaction that was applied last was committed on the source. */
  committedAt: number;
  /** When the target had it. */
  appliedAt: number;
  /** Commit time of the oldest transaction that is being applied. */
  applying: number;
}

/** Nothing was applied yet, and nothing is. */
export function noTimes(): AppliedTimes {
  return { committedAt: 0, appliedAt: 0, applying: 0 };
}

/**
 * How long transactions take from source to replica, in milliseconds: what the last one took, or the age of the oldest one that is being
 * applied if that is more. Undefined before the first one. Never negative, though the source's clock may be ahead.
 */
export function lagMs({ committedAt, appliedAt, applying }: Readonly<AppliedTimes>, now: number): number | undefined {
  if (committedAt === 0 && applying === 0) return undefined;
  const took = committedAt === 0 ? 0 : appliedAt - committedAt;
  const takes = applying === 0 ? 0 : now - applying;
  return Math.max(0, took, takes);
}

/** Notes what a commit at `now` has brought: whole checkpoints. */
export function noteTimes(shown: AppliedTimes, group: readonly { readonly committedAt: number }[], now: number): void {
  shown.applying = 0;
  const last = group.findLast(({ committedAt }) => committedAt > 0);
  if (last === undefined) return;
  shown.committedAt = last.committedAt;
  shown.appliedAt = now;
}
