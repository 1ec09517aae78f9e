/** Time as the loops see it; a port, so that simulations own it. */
export interface Clock {
  /** Milliseconds since 1970, for people and timestamps. */
  now(): number;
  /** Milliseconds by a clock that nobody sets, the same in every thread of the process: how long something took, when something is due. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
