import type { ConnectorFile } from '../../connector/load-file.ts';
import { TransientError } from '../../errors.ts';
import { initialStatus } from '../initial-status.ts';
import { type ConnectorFailure, type ConnectorStatus, NO_FAILURES } from '../status.ts';
import type { RunningTask, TaskPool } from '../task-pool.ts';

/** A pool in which a connector can be halted: its next start fails with the given words, and the one after that is an ordinary one. */
export interface HaltedPool extends Pick<TaskPool, 'start'> {
  /** What was decided about this connector needs a person, who starts it again. */
  halt(connector: string, failure: ConnectorFailure): void;
}

/** The pool, with starts that are halted. `now` is the time in milliseconds since 1970. */
export function haltedPool(pool: Pick<TaskPool, 'start'>, now: () => number): HaltedPool {
  const halted = new Map<string, ConnectorFailure>();
  return {
    halt: (connector, failure) => void halted.set(connector, failure),
    start(connector, options) {
      const failure = halted.get(connector.name);
      halted.delete(connector.name);
      return failure === undefined ? pool.start(connector, options) : haltedTask(connector, failure, options, now());
    },
  };
}

function haltedTask(
  connector: ConnectorFile,
  failure: ConnectorFailure,
  { takeOver }: { readonly takeOver: boolean },
  now: number,
): RunningTask {
  const stage = { name: 'failed', since: now, isWaiting: false };
  const failures = { ...NO_FAILURES, lost: 1 };
  const status: ConnectorStatus = { ...initialStatus(connector, now), state: 'failed', stage, failure, failures };
  return {
    status: () => status,
    takesOver: () => takeOver,
    ask: () => Promise.reject(new TransientError(`Connector "${connector.name}" does not run: ${failure.message}`)),
    ended: Promise.resolve(),
    stop: () => Promise.resolve(),
  };
}
