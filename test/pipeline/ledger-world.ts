import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../src/log/log.ts';
import type { Claim } from '../../src/log/protocol/records.ts';
import { checkpointsTopic } from '../../src/log/protocol/topics.ts';
import { ledgerAppends } from '../../src/pipeline/ledger.ts';
import { controlTopic } from '../../src/pipeline/topics.ts';

export const PREFIX = 'shop';
export const signal: AbortSignal = new AbortController().signal;

/** A claim of daemon `one`. */
export const CLAIM: Claim = {
  kind: 'claim',
  logId: 'log',
  nonce: 'n',
  daemon: 'one',
  booted: 0,
  id: 'i',
  at: 0,
  slot: 's',
  creating: true,
  system: '1',
  timeline: 1,
  publication: '1',
  clusterId: 'c',
};

/** Appends a record to the checkpoints topic and returns its offset. */
export async function append(log: Log, record: Parameters<typeof ledgerAppends>[1]): Promise<number> {
  const { spans } = await log.publish(
    ledgerAppends(PREFIX, record, () => 0),
    undefined,
    signal,
  );
  return spans[0]?.base ?? -1;
}

/** Writes checkpoints `first` to `last` of a claim, each following the one before; returns the offset of the last one. */
export async function checkpoints(
  log: Log,
  claim: number,
  first: number,
  last: number,
  previous: number | null,
): Promise<number> {
  let before = previous;
  for (let number = first; number <= last; number++) {
    before = await append(log, {
      kind: 'checkpoint',
      logId: 'log',
      nonce: `${claim}/${number}`,
      claim,
      number,
      previous: before === null ? null : { offset: before, claim, position: String(number - 1) },
      position: String(number),
      spans: [],
      topicIds: {},
      committedAt: 0,
      consistent: true,
    });
  }
  return before as number;
}

/** The log with some of its methods replaced. */
export function replaced(log: Log, methods: Partial<Log>): Log {
  return new Proxy(log, {
    get: (target, name) => {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** An embedded log that has the checkpoints topic. */
export async function withLog(use: (log: Log) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-ledger-'));
  try {
    await using log = await openEmbeddedLog(directory);
    await log.createTopics([controlTopic(checkpointsTopic(PREFIX))], signal);
    await use(log);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
