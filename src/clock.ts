/** Time as the loops see it; a port, so that simulations own it. */
export interface Clock {
  /** Milliseconds since 1970, for people and timestamps. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
