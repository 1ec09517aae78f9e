import type { Environment } from '../connector/reference.ts';
import { describeError } from '../errors.ts';
import { failPoint } from '../failpoint.ts';
import { LogLevels } from '../observe/log-levels.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import { createRedactor } from '../observe/redaction.ts';
import { type Daemon, type DaemonOptions, openDaemon } from '../worker/daemon.ts';
import { loadWorkerConfig } from '../worker/load-worker-config.ts';
import { stopSignal } from './stop-signal.ts';

/** What the flags of `rowcast start` say; a setting that is not said is undefined. */
export interface StartFlags {
  readonly config?: string;
  readonly connectors?: string;
  readonly state?: string;
  readonly bootstrapServers?: string;
  readonly listeners?: string;
  readonly threads?: string;
  readonly logLevel?: string;
  readonly watch: boolean;
  readonly takeOver?: boolean;
}

/**
 * Runs the daemon until it is told to stop: 0. When nothing is watched and every connector has ended by itself: 0, or 1 if one has
 * failed. Throws OperatorError when it cannot start.
 */
export async function runStart(flags: StartFlags, env: Environment): Promise<number> {
  const { config, warnings, secrets } = loadWorkerConfig({ file: flags.config, env, flags: settingsOf(flags) });
  const redactor = createRedactor();
  redactor.add(secrets);
  const levels = new LogLevels(config.logLevel);
  const logger = createLogger(levels, undefined, redactor);
  using _crash = tellCrash(logger);
  for (const setting of warnings) logger.warn('setting ignored', { setting });
  using stop = stopSignal();
  const options = { config, env, logger, levels, redactor, takeOver: flags.takeOver ?? false };
  await using daemon = await openUnlessStopped(options, stop.signal);
  if (daemon === undefined) return 0;
  failPoint('worker.listening');
  await daemon.run(stop.signal);
  if (stop.signal.aborted) return 0;
  return daemon.statuses().some(({ state }) => state === 'failed') ? 1 : 0;
}

/** What the flags say, by setting. */
function settingsOf(flags: StartFlags): Readonly<Record<string, string | undefined>> {
  return {
    'connectors.dir': flags.connectors,
    'connectors.watch': flags.watch ? undefined : 'false',
    'state.dir': flags.state,
    'bootstrap.servers': flags.bootstrapServers,
    listeners: flags.listeners,
    'worker.threads': flags.threads,
    'log.level': flags.logLevel,
  };
}

/** Undefined when it was told to stop while it waited for a lock or for Kafka. */
async function openUnlessStopped(options: DaemonOptions, signal: AbortSignal): Promise<Daemon | undefined> {
  try {
    return await openDaemon(options, signal);
  } catch (error) {
    if (signal.aborted && error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  }
}

/** A failure that nobody has caught is logged before it ends the process: a daemon is never half alive. */
function tellCrash(logger: Logger): Disposable {
  const tell = (error: unknown, origin: string): void => {
    const stack = error instanceof Error ? error.stack : undefined;
    logger.error('daemon crashed', { message: describeError(error), origin, stack });
  };
  process.on('uncaughtExceptionMonitor', tell);
  return {
    [Symbol.dispose]() {
      process.off('uncaughtExceptionMonitor', tell);
    },
  };
}
