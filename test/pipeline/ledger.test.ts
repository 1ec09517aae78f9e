import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../src/log/log.ts';
import type { Claim } from '../../src/log/protocol/records.ts';
import { checkpointsTopic } from '../../src/log/protocol/topics.ts';
import { ledgerAppends, readHistory } from '../../src/pipeline/ledger.ts';
import { controlTopic } from '../../src/pipeline/topics.ts';

const PREFIX = 'shop';
const { signal } = new AbortController();

const CLAIM: Claim = {
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

async function append(log: Log, record: Parameters<typeof ledgerAppends>[1]): Promise<number> {
  const { spans } = await log.publish(
    ledgerAppends(PREFIX, record, () => 0),
    undefined,
    signal,
  );
  return spans[0]?.base ?? -1;
}

/** Writes checkpoints `first` to `last` of a claim, each following the one before. */
async function checkpoints(
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

/** The same log, which notes the lowest offset that was read, but for single records. */
function watched(log: Log): { log: Log; lowest: () => number } {
  const offsets: number[] = [];
  const read: Log['read'] = async (cursors, ...rest) => {
    offsets.push(...cursors.map(({ offset }) => offset));
    return await log.read(cursors, ...rest);
  };
  return { log: { ...bound(log), read }, lowest: () => Math.min(...offsets.filter((offset) => offset > 10)) };
}

function bound(log: Log): Log {
  return new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    ownKeys: () => ['bounds', 'topics', 'publish', 'createTopics', 'trim', 'release', 'clusterId', Symbol.asyncDispose],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  });
}

async function withLog(use: (log: Log) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-ledger-'));
  try {
    await using log = await openEmbeddedLog(directory);
    await log.createTopics([controlTopic(checkpointsTopic(PREFIX))], signal);
    await use(log);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('a long topic is read from near its end, and still tells its owner', async () => {
  await withLog(async (log) => {
    const claim = await append(log, CLAIM);
    await checkpoints(log, claim, 0, 4_000, null);
    const { end } = await log.bounds(checkpointsTopic(PREFIX), 0, signal);
    const view = watched(log);
    const history = await readHistory(view.log, PREFIX, end, signal);
    expect(history.checkpoint?.number).toBe(4_000);
    expect(history.claims.map(({ offset, claim: { daemon } }) => [offset, daemon])).toEqual([[claim, 'one']]);
    expect(history.logId).toBe('log');
    expect(view.lowest()).toBeGreaterThan(1_000);
  });
});

test('checkpoints of an owner that was fenced long ago count for nobody, wherever reading begins', async () => {
  await withLog(async (log) => {
    const old = await append(log, CLAIM);
    const lastOld = await checkpoints(log, old, 0, 3, null);
    const claim = await append(log, { ...CLAIM, daemon: 'two' });
    await checkpoints(log, claim, 4, 2_500, lastOld);
    await checkpoints(log, old, 4_000, 4_002, lastOld); // a zombie's
    const { end } = await log.bounds(checkpointsTopic(PREFIX), 0, signal);
    const history = await readHistory(log, PREFIX, end, signal);
    expect(history.checkpoint?.number).toBe(2_500);
    expect(history.claims.at(-1)?.claim.daemon).toBe('two');
  });
});
