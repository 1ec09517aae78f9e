import { setTimeout as sleep } from 'node:timers/promises';
import { brokerNames, brokerOf, killsOf, type Restart, restartServer } from '../restart.ts';
import type { Fault, FaultKind, Field, RunShape } from './fault.ts';

const SHORTEST_ABSENCE_MS = 5000;
const LONGEST_ABSENCE_MS = 15_000;
/** Before a row that is new stands the whole backlog, while a broker starts on the same machine. */
const BACKLOG_MS = 180_000;

function restartOf(kind: FaultKind, targets: (shape: RunShape) => readonly Restart[]): Fault {
  return {
    kind,
    targets,
    async strike({ stage }, target) {
      await restartServer(target as Restart, stage.servers, stage.watcher);
      return true;
    },
  };
}

/** A crash of a broker that comes back at once; where there are several, the others lead what it has led. */
const restartBroker: Fault = {
  ...restartOf('restart-broker', ({ brokers }) => killsOf(brokers)),
  async strike(field, target) {
    const { servers, watcher } = field.stage;
    const isAlone = servers.kafka?.brokers.length === 1;
    const goesOn = isAlone ? undefined : goOn(field, 'the SIGKILL of one of several brokers');
    await Promise.all([restartServer(target as Restart, servers, watcher), goesOn]);
    return true;
  },
};

/** A broker that is stopped in order, and is away for a while: it hands what it leads to the others first. */
const stopBroker: Fault = {
  kind: 'stop-broker',
  targets: ({ brokers }) => (brokers > 1 ? brokerNames(brokers) : []),
  async strike(field, target) {
    const { stage, random } = field;
    const broker = brokerOf(stage.servers, target);
    const goesOn = goOn(field, 'the stop of one of several brokers was begun');
    await Promise.all([broker.shutDown(), goesOn]);
    await goOn(field, 'one of several brokers was away');
    await sleep(random.between(SHORTEST_ABSENCE_MS, LONGEST_ABSENCE_MS), undefined, { signal: stage.signal });
    await broker.restart();
    return true;
  },
};

/** Waits for a row that was not yet committed: it comes while the fault lasts. */
async function goOn({ stage, until }: Field, after: string): Promise<void> {
  const since = performance.now();
  const known = stage.workload.committed;
  await until(() => stage.watcher.standing.ledger > known, `nothing new was applied after ${after}`, BACKLOG_MS);
  stage.report.wentOn(after, performance.now() - since);
}

/** Crashes of the servers, each followed by a start at once, and a broker that is stopped for a while. */
export const restarts: readonly Fault[] = [
  restartOf('restart-source', () => ['source, immediate']),
  restartOf('restart-replica', () => ['replica, immediate']),
  restartBroker,
  stopBroker,
];
