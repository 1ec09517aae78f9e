import { expect, test } from 'vitest';
import { Batch, Op } from '../../src/change/batch.ts';
import type { Append, Fetched, Log } from '../../src/log/log.ts';
import type { Progress, Sink } from '../../src/sink/sink.ts';
import type { HeldSource } from '../../src/source/source.ts';
import { countingSink, noCommits } from '../../src/worker/counting-sink.ts';
import { countingSource } from '../../src/worker/counting-source.ts';
import { measuredForSink, measuredForSource } from '../../src/worker/measured-log.ts';
import { goneOn, noWork } from '../../src/worker/work.ts';

const signal = new AbortController().signal;
const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

function batch(changes: number, op: Op, commitTimeUs: number): Batch {
  const made = new Batch();
  made.tables.push({
    relationId: 1,
    version: 1,
    schema: 'public',
    name: 't',
    columns: [],
    key: [],
    identity: 'default',
  });
  made.transactions.push({ xid: 1, commitLsn: commitTimeUs, commitTimeUs });
  for (let i = 0; i < changes; i++) made.addChange(op, 0, 0, 0, -1, -1);
  return made;
}

function append(byteLength: number): Append {
  return { topic: 't', partition: 0, records: { batches: [], count: 1, byteLength } };
}

test('what is on its way to the log is shown until it is stored, and what was stored is measured', async () => {
  const work = noWork();
  const seen: number[] = [];
  let fails = false;
  const log = {
    publish: async () => {
      seen.push(work.queueBytes);
      if (fails) throw new Error('no answer');
      return { spans: [], checkpoint: [] };
    },
  } as unknown as Log;
  const measured = measuredForSource(log, work);
  await measured.publish([append(700), append(300)], undefined, signal);
  await measured.publish([], () => [append(5)], signal);
  fails = true;
  await expect(measured.publish([append(10)], undefined, signal)).rejects.toThrow('no answer');
  expect(seen).toEqual([1000, 0, 10]);
  expect(work.queueBytes).toBe(0);
  expect(work.batchBytes.sum).toBe(1000);
  expect(sum(work.batchSeconds.counts)).toBe(1);
});

test('what a sink has fetched is in its queue until it commits, and only what is committed is counted', async () => {
  const work = noWork();
  const counts = noCommits();
  const fetched = { bytes: Buffer.alloc(400) } as unknown as Fetched;
  const log = measuredForSink({ read: async () => [fetched, fetched] } as unknown as Log, work);
  const transaction = { apply: async () => {}, commit: async () => {}, [Symbol.asyncDispose]: async () => {} };
  const sink = countingSink({ begin: async () => transaction } as unknown as Sink, counts, work);
  await log.read([], 1, 1, signal);
  expect(work.queueBytes).toBe(800);
  const given = await sink.begin({} as never, signal);
  await given.apply(batch(3, Op.insert, 1), signal);
  await given.apply(batch(2, Op.delete, 1), signal);
  expect(work.tables).toEqual({});
  await given.commit({ position: 'p', consistent: true } as Progress, true, signal);
  expect(work.tables).toEqual({ 'public.t': { copied: 0, inserts: 3, updates: 0, deletes: 2, keyChanges: 0 } });
  expect(work).toMatchObject({ queueBytes: 0, batchBytes: { sum: 800 }, batchChanges: { sum: 5 } });
  expect(sum(work.batchSeconds.counts)).toBe(1);
  const rolledBack = await sink.begin({} as never, signal);
  await rolledBack.apply(batch(9, Op.insert, 1), signal);
  await rolledBack[Symbol.asyncDispose]();
  const empty = await sink.begin({} as never, signal);
  await empty.commit({ position: 'q', consistent: true } as Progress, true, signal);
  expect(work.batchChanges.sum).toBe(5);
});

test('a source shows when the oldest transaction was committed that may not be stored', async () => {
  const notes = { work: noWork(), reading: { committedAt: 0 } };
  const held = {
    async *read() {
      yield* [
        batch(1, Op.insert, 5_000_000),
        batch(2, Op.update, 6_000_000),
        new Batch(),
        batch(1, Op.insert, 8_000_000),
      ];
    },
    async *snapshot() {
      yield batch(4, Op.read, 1_000_000);
    },
  } as unknown as HeldSource;
  const source = countingSource({ open: async () => held }, { transactions: 0, multiTableTransactions: 0 }, notes);
  const open = await source.open({} as never, false, signal);
  const seen: number[] = [];
  for await (const _ of open.snapshot(signal)) seen.push(notes.reading.committedAt);
  for await (const _ of open.read('', signal)) seen.push(notes.reading.committedAt);
  expect(seen).toEqual([0, 5000, 5000, 6000, 8000]);
  expect(notes.work.tables['public.t']).toEqual({ copied: 4, inserts: 2, updates: 2, deletes: 0, keyChanges: 0 });
  expect(sum(notes.work.batchChanges.counts)).toBe(4);
});

test('a task that goes on in another thread counts on, with nothing in its queue', () => {
  const before = { ...noWork(), queueBytes: 5 };
  before.tables['a.b'] = { copied: 1, inserts: 0, updates: 0, deletes: 0, keyChanges: 0 };
  const after = goneOn(before);
  expect(after).toEqual({ ...before, queueBytes: 0 });
  expect(after.tables).not.toBe(before.tables);
  expect(goneOn(undefined)).toEqual(noWork());
});
