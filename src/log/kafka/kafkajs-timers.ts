/** kafkajs/src/network/requestQueue/index.js: what it does when time has passed. */
export interface KafkajsTimers {
  /** Holds the next request back for so many milliseconds. */
  maybeThrottle(ms: number | null): void;
  throttledUntil: number;
  readonly inflight: ReadonlyMap<number, { readonly requestTimeout: number; timeoutRequest(): void }>;
  isConnected(): boolean;
  /** Called when it is connected. */
  scheduleRequestTimeoutCheck(): void;
  requestTimeoutIntervalId: NodeJS.Timeout | null;
  /** Ends its timers. */
  destroy(): void;
}

/** How often requests are looked at that wait for their answer. */
const LOOK_MS = 100;

/**
 * kafkajs goes by the time of day: with a clock that is set back by hours, an answer that was lost would be waited for as long, and so would a
 * request that a broker holds back. Here both are reckoned by a clock that nobody sets.
 */
export function keepSteady(queue: KafkajsTimers): void {
  const seenAt = new WeakMap<object, number>();
  let heldUntil = 0;
  const hold = (): void => {
    queue.throttledUntil = Date.now() + heldUntil - performance.now();
  };
  queue.maybeThrottle = (ms) => {
    heldUntil = Math.max(heldUntil, performance.now() + (ms ?? 0));
    hold();
  };
  const look = (): void => {
    const now = performance.now();
    for (const request of queue.inflight.values()) {
      const since = seenAt.get(request) ?? now;
      seenAt.set(request, since);
      if (now - since > request.requestTimeout) request.timeoutRequest();
    }
    hold();
    if (!queue.isConnected()) queue.destroy();
  };
  queue.scheduleRequestTimeoutCheck = () => {
    queue.destroy();
    queue.requestTimeoutIntervalId = setInterval(look, LOOK_MS);
  };
}
