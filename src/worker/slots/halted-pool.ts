import type { ConnectorFile } from '../../connector/load-file.ts';
import { TransientError } from '../../errors.ts';
import { initialStatus } from '../initial-status.ts';
import { type ConnectorFailure, type ConnectorStatus, NO_FAILURES } from '../status.ts';
import type { RunningTask, TaskPool } from '../task-pool.ts';

/**
 * The pool, in which a connector that something stands against (`obstacle`) does not run: each of its starts fails with those words.
 * `now` is the time in milliseconds since 1970.
 */
export function haltedPool(
  pool: Pick<TaskPool, 'start'>,
  obstacle: (connector: ConnectorFile) => ConnectorFailure | undefined,
  now: () => number,
): Pick<TaskPool, 'start'> {
  return {
    start(connector, options) {
      const failure = obstacle(connector);
      return failure === undefined ? pool.start(connector, options) : haltedTask(connector, failure, options, now());
    },
  };
}

function haltedTask(
  connector: ConnectorFile,
  { message, advice }: ConnectorFailure,
  { takeOver }: { readonly takeOver: boolean },
  now: number,
): RunningTask {
  const stage = { name: 'failed', since: now, isWaiting: false };
  const failures = { ...NO_FAILURES, lost: 1 };
  const failure = { message, advice };
  const status: ConnectorStatus = { ...initialStatus(connector, now), state: 'failed', stage, failure, failures };
  return {
    status: () => status,
    takesOver: () => takeOver,
    ask: () => Promise.reject(new TransientError(`Connector "${connector.name}" does not run: ${message}`)),
    ended: Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}
