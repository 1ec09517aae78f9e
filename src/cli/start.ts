import { loadConnectors } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { createLogger, type LogLevel } from '../observe/logger.ts';
import { openDaemon } from '../worker/open-daemon.ts';
import { logStates } from '../worker/state-log.ts';
import { systemClock } from '../worker/system-clock.ts';
import { stopSignal } from './stop-signal.ts';

export interface StartOptions {
  readonly connectors: string;
  readonly state: string;
  readonly bootstrapServers?: string;
  readonly takeOver?: boolean;
  readonly logLevel: LogLevel;
}

/** Runs the daemon until it is told to stop: 0. When every connector has ended by itself: 0, or 1 if one has failed. */
export async function runStart(options: StartOptions, env: Environment): Promise<number> {
  const logger = createLogger(options.logLevel);
  const connectors = loadConnectors(options.connectors, env);
  using stop = stopSignal();
  await using daemon = await openDaemon({ ...options, connectors, logger }, stop.signal);
  const ended = new AbortController();
  const states = logStates(() => daemon.statuses(), systemClock, logger, ended.signal);
  await daemon.run(stop.signal);
  ended.abort();
  await states;
  const failed = daemon.statuses().some((status) => status.state === 'failed');
  return failed && !stop.signal.aborted ? 1 : 0;
}
