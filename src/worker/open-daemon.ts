import type { ConnectorFile } from '../connector/load-file.ts';
import type { Logger } from '../observe/logger.ts';
import { VERSION } from '../version.ts';
import { daemonId } from './daemon-id.ts';
import { openStateLog } from './open-log.ts';
import type { ConnectorStatus } from './status.ts';
import type { RunningTask } from './task-pool.ts';
import { openTaskPool } from './threads/pool.ts';

export interface DaemonOptions {
  readonly connectors: readonly ConnectorFile[];
  /** Where this daemon keeps its id, and the log when there is no Kafka. */
  readonly state: string;
  /** Kafka's brokers, separated by commas; absent: the embedded log. */
  readonly bootstrapServers?: string;
  /** Take the connectors over from another daemon, once. */
  readonly takeOver?: boolean;
  readonly logger: Logger;
}

/** The running whole: connectors over one log. Disposing of it, after `run` has ended, closes what it opened. */
export interface Daemon extends AsyncDisposable {
  /** Runs every connector until `signal` aborts, or all have ended; their failures are in their statuses. */
  run(signal: AbortSignal): Promise<void>;
  statuses(): readonly ConnectorStatus[];
}

const SHUTDOWN_TIMEOUT_MS = 30_000;
const STALL_TIMEOUT_MS = 60_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Puts a daemon together for connectors that are given once. Throws OperatorError when the state directory or the log cannot be used. */
export async function openDaemon(options: DaemonOptions, signal: AbortSignal): Promise<Daemon> {
  const { connectors, logger, state, bootstrapServers, takeOver = false } = options;
  const daemon = daemonId(state);
  const log = bootstrapServers ? undefined : await openStateLog(state, signal);
  const config = {
    kafka: bootstrapServers ? kafkaConfig(bootstrapServers) : undefined,
    registry: undefined,
    threads: undefined,
    shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
    stallTimeoutMs: STALL_TIMEOUT_MS,
  };
  const pool = await openTaskPool({ config, daemon, log, logger });
  let tasks: readonly RunningTask[] = [];
  logger.info('daemon started', { daemon, version: VERSION, connectors: connectors.length });
  return {
    async run(abort) {
      if (abort.aborted) return;
      tasks = connectors.map((connector) => pool.start(connector, { takeOver }));
      const stop = (): void => void Promise.all(tasks.map((task) => task.stop())); // run waits for their ends
      abort.addEventListener('abort', stop, { once: true });
      await Promise.all(tasks.map(({ ended }) => ended));
    },
    statuses: () => tasks.map((task) => task.status()),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await log?.[Symbol.asyncDispose]();
    },
  };
}

function kafkaConfig(servers: string): NonNullable<Parameters<typeof openTaskPool>[0]['config']['kafka']> {
  const bootstrapServers = servers.split(',').map((server) => server.trim());
  return {
    bootstrapServers,
    clientId: 'rowcast',
    tls: undefined,
    sasl: undefined,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
  };
}
