import { beforeEach, expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import type { Cursor, Fetched, Log } from '../../src/log/log.ts';
import { CheckpointCounter } from '../../src/log/protocol/counter.ts';
import type { NewLedgerRecord } from '../../src/log/protocol/records.ts';
import { setBaseOffset } from '../../src/log/record-set.ts';
import { CheckpointReader } from '../../src/pipeline/checkpoint-reader.ts';
import { ledgerAppends } from '../../src/pipeline/ledger.ts';
import { PartitionCursor } from '../../src/pipeline/partition-cursor.ts';
import { ReadMemory } from '../../src/pipeline/read-memory.ts';
import { CLAIM } from './ledger-world.ts';

const TOPIC = 'srv.checkpoints';
const DATA = 'srv.public.orders';
const { signal } = new AbortController();

let asked: string[][];
let answer: (cursors: readonly Cursor[]) => readonly Fetched[];
let memory: ReadMemory;
let reader: CheckpointReader;
const onForeign = async (): Promise<void> => {
  throw new OperatorError('The topic is another one');
};

beforeEach(() => {
  asked = [];
  memory = new ReadMemory({ fetchBytes: 1000, chunkBytes: 1000 });
  const read = async (cursors: readonly Cursor[]): Promise<readonly Fetched[]> => {
    asked.push(cursors.map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`));
    return answer(cursors);
  };
  reader = new CheckpointReader(
    { log: { read } as unknown as Log, prefix: 'srv', onForeign },
    new CheckpointCounter({ logId: 'log', claim: 3, number: 4 }),
    memory,
    7,
  );
});

/** A group that has read partitions of the data up to an offset. */
function group(...read: [partition: number, end: number][]): void {
  const cursors = read.map(([partition, end]) => {
    const cursor = new PartitionCursor([
      { span: { topic: DATA, partition, base: end - 1, count: 1 }, claim: 3, number: 4 },
    ]);
    cursor.take();
    return cursor;
  });
  memory.handOver(cursors);
  memory.keep(cursors);
}

/** Checkpoint 5, which stands at offset 7; others behind it. */
function checkpoint(claim: number = 3, logId: string = 'log', offset: number = 7): Fetched {
  return stored(offset, {
    kind: 'checkpoint',
    logId,
    nonce: 'n',
    claim,
    number: offset - 2,
    previous: { offset: 6, claim: 3, position: 'A' },
    position: 'B',
    spans: [],
    topicIds: {},
    committedAt: 0,
    consistent: true,
  });
}

function claimAt(offset: number, logId: string = 'log'): Fetched {
  return stored(offset, { ...CLAIM, logId });
}

function stored(offset: number, record: NewLedgerRecord): Fetched {
  const bytes = ledgerAppends('srv', record, () => 0)[0]?.records.batches[0]?.bytes as Buffer;
  setBaseOffset(bytes, offset);
  return { topic: TOPIC, partition: 0, bytes, start: 0, end: offset + 1 };
}

const nothing = ({ topic, partition, offset }: Cursor): Fetched => {
  return { topic, partition, bytes: Buffer.alloc(0), start: 0, end: offset };
};
const records = ({ topic, partition }: Cursor): Fetched => {
  return { topic, partition, bytes: Buffer.alloc(50, 1), start: 0, end: 100 };
};

test('asks for what follows in the partitions that were read last, until something of them is there', async () => {
  group([0, 20], [1, 30]);
  answer = (cursors) => cursors.map((cursor) => (cursor.partition === 1 ? records(cursor) : nothing(cursor)));
  expect(await reader.read(signal)).toEqual([]);
  answer = (cursors) => [...cursors.slice(1).map(nothing), checkpoint()];
  expect(await reader.read(signal)).toMatchObject([{ number: 5, offset: 7 }]);
  group([1, 31]);
  answer = (cursors) => cursors.map(nothing);
  expect(await reader.read(signal)).toEqual([]);
  expect(asked).toEqual([
    [`${TOPIC}/0@7`, `${DATA}/0@20`, `${DATA}/1@30`],
    [`${TOPIC}/0@7`, `${DATA}/0@20`],
    [`${TOPIC}/0@8`, `${DATA}/0@20`, `${DATA}/1@31`],
  ]);
});

test('reads few partitions ahead: those that had records last', async () => {
  answer = (cursors) => cursors.map(nothing);
  for (let partition = 0; partition < 20; partition++) group([partition, 10]);
  group([15, 11]);
  await reader.read(signal);
  expect(asked[0]?.slice(1)).toEqual(
    [12, 13, 14, 16, 17, 18, 19].map((p) => `${DATA}/${p}@10`).concat(`${DATA}/15@11`),
  );
});

test('reads checkpoints alone when something is wrong with what was read ahead', async () => {
  group([0, 20]);
  answer = (cursors) => {
    if (cursors.length > 1) throw new OperatorError(`Topic "${DATA}" does not exist`);
    return [checkpoint()];
  };
  expect(await reader.read(signal)).toHaveLength(1);
  answer = (cursors) => cursors.map(nothing);
  await reader.read(signal);
  group([1, 5]);
  await reader.read(signal);
  expect(asked).toEqual([
    [`${TOPIC}/0@7`, `${DATA}/0@20`],
    [`${TOPIC}/0@7`],
    [`${TOPIC}/0@8`],
    [`${TOPIC}/0@8`, `${DATA}/1@5`],
  ]);
});

test('throws what goes wrong with the checkpoints, and an abort at once', async () => {
  const lost = new OperatorError('Partition 0 no longer has offset 7');
  answer = () => {
    throw lost;
  };
  await expect(reader.read(signal)).rejects.toBe(lost);
  group([0, 20]);
  await expect(reader.read(signal)).rejects.toBe(lost);
  group([0, 20]);
  asked = [];
  await expect(reader.read(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  expect(asked).toHaveLength(1);
});

test('a checkpoint of a claim that nobody has met below it stops the sink', async () => {
  answer = () => [checkpoint(5)];
  await expect(reader.read(signal)).rejects.toThrow('lost history: the claim at offset 5 was not there before');
  reader = new CheckpointReader(
    { log: { read: async () => [checkpoint(1)] } as unknown as Log, prefix: 'srv', onForeign },
    new CheckpointCounter({ logId: 'log', claim: 3, number: 4 }),
    memory,
    7,
  );
  expect(await reader.read(signal)).toEqual([]); // a dead owner's
});

test('a checkpoint whose claim stands where another record was stops the sink, though a newer claim was met', async () => {
  const answers = [checkpoint(), claimAt(8), checkpoint(8, 'log', 9), claimAt(10), checkpoint(8, 'log', 11)];
  for (const each of answers) {
    answer = () => [each];
    await reader.read(signal);
  }
  answer = () => [checkpoint(7, 'log', 12)]; // the log was put back to 7, and claimed again there
  await expect(reader.read(signal)).rejects.toThrow('lost history: the claim at offset 7 was not there before');
});

test('a claim of another log is none that was met', async () => {
  reader = new CheckpointReader(
    { log: { read: async () => answer([]) } as unknown as Log, prefix: 'srv', onForeign: async () => undefined },
    new CheckpointCounter({ logId: 'log', claim: 3, number: 4 }),
    memory,
    7,
  );
  answer = () => [claimAt(7, 'other')];
  await reader.read(signal);
  answer = () => [checkpoint(7, 'log', 8)];
  await expect(reader.read(signal)).rejects.toThrow('lost history: the claim at offset 7 was not there before');
});

test('a record of another log is told of, so that somebody looks whether the topic is the same', async () => {
  answer = () => [checkpoint(3, 'other')];
  await expect(reader.read(signal)).rejects.toThrow('The topic is another one');
});
