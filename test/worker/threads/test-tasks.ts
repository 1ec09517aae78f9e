import { setTimeout as sleep } from 'node:timers/promises';
import type { Append, Log, Span } from '../../../src/log/log.ts';
import type { MakeTask } from '../../../src/worker/composition.ts';
import type { SinkStatus } from '../../../src/worker/status.ts';
import { texts } from '../../log/records.ts';

/** What every test task remembers once it runs; one that finds it has run in another thread before. */
const STORED = 'it has run before';

interface Given {
  readonly name: string;
  readonly log: () => Promise<Log>;
  readonly hasRunBefore: boolean;
}

type Behaviour = (signal: AbortSignal, given: Given) => Promise<void>;

/** Tasks that are what a connector's name begins with. */
const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  steady: untilAborted,
  finishing: async () => {},
  async publishing(signal, { name, log }) {
    await publishUntilAborted(name, await log(), signal);
  },
  async crashing(signal, { hasRunBefore }) {
    if (!hasRunBefore) setTimeout(() => crash(), 20);
    await untilAborted(signal);
  },
  async exiting(signal, { hasRunBefore }) {
    if (!hasRunBefore) setTimeout(() => process.exit(3), 20);
    await untilAborted(signal);
  },
  async hungry(signal, { hasRunBefore }) {
    await sleep(20);
    const eaten: number[][] = [];
    while (!hasRunBefore) eaten.push(Array.from({ length: 100_000 }, (_each, i) => i + eaten.length));
    await untilAborted(signal);
  },
  async busy(signal) {
    await sleep(20);
    const until = performance.now() + 3000;
    while (performance.now() < until);
    await untilAborted(signal);
  },
  async stubborn() {
    await sleep(3_600_000);
  },
};

/** Makes tasks that misbehave, in place of connectors. */
export const makeTestTask: MakeTask = ({ connector: { name }, memory, status }, openLog, logger) => {
  const behaviour = BEHAVIOURS[name.split('-')[0] as string];
  if (behaviour === undefined) throw new Error(`No behaviour is called ${name}`);
  let isRunning = false;
  const counts = { ...(status as SinkStatus).counts };
  return {
    name,
    async run(signal) {
      isRunning = true;
      counts.commits++;
      logger.info('test task runs', { connector: name });
      await behaviour(signal, { name, log: () => openLog(signal), hasRunBefore: memory.stored === STORED });
    },
    status: (state, failure) => {
      const stage = { name: 'testing', since: 0, isWaiting: true };
      return {
        ...(status as SinkStatus),
        stage,
        state: state ?? (isRunning ? 'streaming' : 'starting'),
        failure,
        counts,
      };
    },
    memory: () => ({ takeOver: false, stored: STORED }),
  };
};

/** Publishes records, each with a checkpoint that says which span it was given. */
async function publishUntilAborted(name: string, log: Log, signal: AbortSignal): Promise<void> {
  const [data, checkpoints] = [`data-${name}`, `checkpoints-${name}`] as const;
  await log.createTopics(
    [data, checkpoints].map((topic) => ({ name: topic, partitions: 1, config: {} })),
    signal,
  );
  while (!signal.aborted) {
    const checkpointOf = ([span]: readonly Span[]): Append[] => [
      texts(checkpoints, 0, [`${span?.topic} ${span?.base} ${span?.count}`]),
    ];
    await log.publish([texts(data, 0, ['a row'])], checkpointOf, signal);
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  await sleep(3_600_000, undefined, { signal });
}

function crash(): never {
  throw new Error('A bug outside of every promise');
}
