import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Batch } from '../../../src/change/batch.ts';
import type { Clock } from '../../../src/clock.ts';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import type { RelationMessage } from '../../../src/source/wal/decoder.ts';
import { type ReaderParts, WalReader } from '../../../src/source/wal/reader.ts';
import { describeRelation, type Relation, typeKey } from '../../../src/source/wal/relation.ts';
import type { StreamListener } from '../../../src/source/wal/stream.ts';
import * as message from './pgoutput-bytes.ts';
import { changesOf, settings } from './wal-fixture.ts';

const FILTER = compileFilter(settings({ host: '', port: 1, database: 'd', user: 'u', sslmode: 'disable' }));
const TEXT = {
  name: 'pg_catalog.text',
  declared: 'text',
  kind: 'base',
  base: 'pg_catalog.text',
  baseModifier: -1,
} as const;
const TYPES = new Map([[typeKey(25, -1), { oid: 25, modifier: -1, ...TEXT }]]);
const RELATION = {
  relationId: 1,
  schema: 'public',
  name: 't',
  identity: 'd',
  columns: [{ name: 'id', isKey: true, typeId: 25, modifier: -1 }],
};

/** A reader of a stream that had `early` ready before anybody listened; look-ups are answered by hand. */
function reading(early: readonly Buffer[], more: Partial<ReaderParts> = {}) {
  const calls: string[] = [];
  const asked: RelationMessage[][] = [];
  const lookUps: ((relation: Relation) => void)[] = [];
  const feed = (listener: StreamListener, bytes: Buffer): void => listener.message(bytes, 0, bytes.length, 1);
  const reader = new WalReader({
    stream: {
      listen: (listener) => {
        for (const bytes of early) feed(listener, bytes);
      },
      pause: () => void calls.push('pause'),
      resume: () => void calls.push('resume'),
      answer: () => undefined,
    },
    describe: (relation, _, behind) => {
      asked.push([relation, ...behind]);
      return new Promise((resolve) => lookUps.push(resolve));
    },
    clock: { now: Date.now, monotonic: () => performance.now(), sleep: () => new Promise(() => undefined) },
    versions: { last: 0 },
    from: 0,
    maxBatchBytes: 1_000_000,
    ...more,
  });
  const stop = new AbortController();
  const batches = reader.batches(stop.signal);
  return {
    reader,
    calls,
    asked,
    batches,
    stop,
    feed: (...messages: Buffer[]) => messages.forEach((bytes) => feed(reader, bytes)),
    answer: (relation = RELATION) => lookUps.shift()?.(describeRelation(relation, undefined, TYPES, undefined, FILTER)),
  };
}

const idsOf = (batch: Batch): unknown => changesOf(batch).flatMap(({ after }) => (after ? [after['id']] : []));

test('lets the stream wait when what came early began a look-up, until it is answered', async () => {
  const { calls, batches, answer, feed } = reading([message.begin(10, 0, 1), message.relation(RELATION)]);
  const next = batches.next();
  await turn();
  expect(calls).toEqual(['pause']);
  feed(message.insert(1, ['1']), message.commit(10, 20)); // the rest of one read of the socket
  answer();
  expect(idsOf((await next).value as Batch)).toEqual(['1']);
  expect(calls).toEqual(['pause', 'resume']);
});

test('tells a look-up which relations have arrived behind it, and shows each of them again when its turn comes', async () => {
  const other = { ...RELATION, relationId: 2, name: 'u' };
  const { asked, batches, answer, feed } = reading([message.begin(10, 0, 1), message.relation(RELATION)]);
  const next = batches.next();
  feed(message.insert(1, ['1']), message.relation(other), message.insert(2, ['2']), message.commit(10, 20));
  await turn();
  answer();
  await turn();
  answer(other);
  expect(idsOf((await next).value as Batch)).toEqual(['1', '2']);
  expect(asked.map((each) => each.map(({ relationId }) => relationId))).toEqual([[1, 2], [2]]);
  expect(asked[1]?.[0]).toBe(asked[0]?.[1]);
});

test('lets the stream wait while a full batch waits, also when it came early', async () => {
  const early = [
    message.begin(10, 0, 1),
    message.relation(RELATION),
    message.insert(1, ['x'.repeat(99)]),
    message.commit(10, 20),
  ];
  const { calls, batches, answer, reader } = reading(early, { maxBatchBytes: 100 });
  const next = batches.next();
  await turn();
  answer();
  await turn();
  expect(calls.filter((call) => call === 'resume')).toHaveLength(calls.indexOf('resume') < 0 ? 0 : 1);
  expect(((await next).value as Batch).length).toBe(2);
  expect(calls.at(-1)).toBe('resume');
  reader.failed(new Error('Over'));
  await expect(batches.next()).rejects.toThrow('Over');
});

test('sleeps through a look-up although an idle position is due', async () => {
  const slept: number[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => 0,
    monotonic: () => now,
    sleep: async (ms) => {
      slept.push(ms);
      await (slept.length > 100 ? new Promise(() => undefined) : turn());
    },
  };
  const { batches, reader, feed, answer } = reading([], { clock });
  reader.keepalive(500, false);
  now = 1_000_000; // the idle position is long due
  feed(message.relation(RELATION)); // between transactions, as far as the reader can tell
  const next = batches.next();
  for (let i = 0; i < 20; i++) await turn();
  expect(slept).toEqual([]);
  answer();
  expect((await next).value?.position).toBe((500).toString(16).toUpperCase().padStart(16, '0'));
});

test('ends with the error of a look-up that went wrong after its answer', async () => {
  const { batches } = reading([message.begin(10, 0, 1), message.relation(RELATION)], {
    describe: async () => undefined as unknown as Relation,
  });
  await expect(batches.next()).rejects.toThrow(TypeError);
});
