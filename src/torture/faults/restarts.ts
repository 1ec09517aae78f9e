import { type Restart, restartServer } from '../restart.ts';
import type { Fault, FaultKind, RunShape } from './fault.ts';

function restartOf(kind: FaultKind, what: Restart, can: (shape: RunShape) => boolean = () => true): Fault {
  return {
    kind,
    targets: (shape) => (can(shape) ? [what] : []),
    async strike({ stage }) {
      await restartServer(what, stage.servers, stage.watcher);
      return true;
    },
  };
}

/** Crashes of the servers, each followed by a start at once. */
export const restarts: readonly Fault[] = [
  restartOf('restart-source', 'source, immediate'),
  restartOf('restart-replica', 'replica, immediate'),
  restartOf('restart-broker', 'broker, SIGKILL', ({ log }) => log === 'kafka'),
];
