import type { Clock } from '../clock.ts';
import type { Logger } from '../observe/logger.ts';
import type { ConnectorStatus } from './status.ts';

/** States last shorter than this only when they do not matter. */
const LOOK_EVERY_MS = 200;

/** Writes a line whenever a connector begins to copy or to stream, until `signal` aborts. Failures are the supervisor's to tell. */
export async function logStates(
  statuses: () => readonly ConnectorStatus[],
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, string>();
  while (!signal.aborted) {
    for (const { name, kind, state } of statuses()) {
      if (told.get(name) === state) continue;
      told.set(name, state);
      if (state === 'snapshot') logger.info('first copy began', { connector: name, kind });
      if (state === 'streaming') logger.info('streaming', { connector: name, kind });
    }
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {}); // aborted: the loop ends
  }
}
