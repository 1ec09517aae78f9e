import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** What is waited for, for the message when it was in vain. */
  readonly what: string;
  readonly everyMs?: number;
  readonly timeoutMs?: number;
  /** Throws when there is no use in waiting any longer. */
  readonly assertAlive?: () => void;
  readonly signal: AbortSignal;
}

const EVERY_MS = 10;
const TIMEOUT_MS = 900_000;

/** Asks until there is an answer, and returns it. */
export async function until<T>(ask: () => Promise<T | undefined>, patience: Patience): Promise<T> {
  const { what, everyMs = EVERY_MS, timeoutMs = TIMEOUT_MS, assertAlive, signal } = patience;
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    assertAlive?.();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpAt) throw new Error(`Waited in vain for ${what}`);
    await sleep(everyMs);
  }
}
