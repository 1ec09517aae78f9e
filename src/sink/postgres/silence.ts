import type pg from 'pg';
import { isBusy, socketOf } from '../../postgres/bounded-client.ts';

/** How often it is looked whether anything moves. */
const TICK_MS = 1000;

/** What another connection says of a session: still at work, done with what it was asked (or gone), or nothing. */
export type Seen = 'at work' | 'done' | 'unknown';

/**
 * Ends a connection that has gone silent without a word, as one does behind a firewall that forgets it: TCP notices that after a quarter of an
 * hour, or never. A statement may take hours; so after `quietMs` without a byte the server is asked on another connection, and one whose answer
 * was sent, and has not come a second later, was lost. Whoever waits gets an error: the outcome is unknown.
 */
export function endWhenSilent(client: pg.Client, ask: () => Promise<Seen>, quietMs: number): void {
  const socket = socketOf(client);
  const moved = (): number => socket.bytesRead + socket.bytesWritten;
  let [seen, since, isAsking] = [moved(), performance.now(), false];
  const tick = async (): Promise<void> => {
    if (!isBusy(client) || moved() !== seen) [seen, since] = [moved(), performance.now()];
    if (isAsking || performance.now() - since < quietMs) return;
    isAsking = true;
    const isDone = (await ask()) === 'done';
    if (isDone) await new Promise((resolve) => setTimeout(resolve, TICK_MS).unref());
    if (isDone && isBusy(client) && moved() === seen) socket.destroy();
    since = performance.now();
    isAsking = false;
  };
  const timer = setInterval(() => void tick(), Math.min(TICK_MS, quietMs));
  timer.unref();
  client.once('end', () => clearInterval(timer));
}
