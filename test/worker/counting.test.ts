import { describe, expect, test } from 'vitest';
import { Batch, Op } from '../../src/change/batch.ts';
import type { TableSchema } from '../../src/change/table-schema.ts';
import type { Progress, Sink } from '../../src/sink/sink.ts';
import type { HeldSource } from '../../src/source/source.ts';
import { countingSink, noCommits } from '../../src/worker/counting-sink.ts';
import { countingSource } from '../../src/worker/counting-source.ts';

const signal = new AbortController().signal;

function table(relationId: number): TableSchema {
  return {
    relationId,
    version: 1,
    schema: 'public',
    name: `t${relationId}`,
    columns: [],
    key: [],
    identity: 'default',
  };
}

/** One batch with changes `[commitLsn, relation, op]`. */
function batch(changes: readonly (readonly [number, number, Op])[], position?: string): Batch {
  const made = new Batch();
  for (const [commitLsn, relation, op] of changes) {
    let tx = made.transactions.findIndex((each) => each.commitLsn === commitLsn);
    if (tx < 0) tx = made.transactions.push({ xid: commitLsn, commitLsn, commitTimeUs: commitLsn * 1000 }) - 1;
    let at = made.tables.findIndex((each) => each.relationId === relation);
    if (at < 0) at = made.tables.push(table(relation)) - 1;
    made.addChange(op, at, tx, commitLsn, -1, -1);
  }
  made.position = position;
  return made;
}

async function readAll(batches: readonly Batch[], times = 1): Promise<{ counts: object }> {
  const counts = { transactions: 0, multiTableTransactions: 0 };
  const held = {
    async *read() {
      yield* batches;
    },
    [Symbol.asyncDispose]: async () => {},
  } as unknown as HeldSource;
  const source = countingSource({ open: async () => held }, counts);
  for (let i = 0; i < times; i++) {
    await using open = await source.open({ daemon: 'd', offset: 0, id: 'i' }, false, signal);
    for await (const _ of open.read('', signal));
  }
  return { counts };
}

describe('a counted source', () => {
  test('counts transactions, and those that touch several tables', async () => {
    const { counts } = await readAll([
      batch(
        [
          [10, 1, Op.insert],
          [10, 1, Op.update],
          [20, 1, Op.insert],
          [20, 2, Op.insert],
          [20, 3, Op.insert],
        ],
        'A',
      ),
    ]);
    expect(counts).toEqual({ transactions: 2, multiTableTransactions: 1 });
  });

  test('sees a transaction that goes on in the next batch as one', async () => {
    const { counts } = await readAll([
      batch([[10, 1, Op.insert]]),
      batch(
        [
          [10, 2, Op.insert],
          [30, 1, Op.insert],
        ],
        'A',
      ),
    ]);
    expect(counts).toEqual({ transactions: 2, multiTableTransactions: 1 });
  });

  test('counts what is sent again once', async () => {
    const { counts } = await readAll(
      [
        batch(
          [
            [10, 1, Op.insert],
            [10, 2, Op.insert],
          ],
          'A',
        ),
      ],
      3,
    );
    expect(counts).toEqual({ transactions: 1, multiTableTransactions: 1 });
  });
});

describe('a counted sink', () => {
  const progress = { position: 'B', consistent: true, partial: ['public.late'] } as unknown as Progress;
  const sink: Sink = {
    claim: async () => ({ epoch: 1, progress: undefined }),
    begin: async () => ({ apply: async () => {}, commit: async () => {}, [Symbol.asyncDispose]: async () => {} }),
    commitOne: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };

  test('counts what was committed, by kind, and copied rows apart', async () => {
    const counts = noCommits();
    const counted = countingSink(sink, counts);
    const owned = await counted.claim(signal);
    await using transaction = await counted.begin(owned, signal);
    await transaction.apply(
      batch([
        [1, 1, Op.read],
        [1, 1, Op.insert],
        [1, 1, Op.update],
        [1, 1, Op.keyChange],
      ]),
      signal,
    );
    await transaction.apply(
      batch([
        [1, 1, Op.delete],
        [1, 1, Op.delete],
      ]),
      signal,
    );
    expect(counts.changes).toEqual(noCommits().changes);
    await transaction.commit(progress, false, signal);
    expect(counts.changes).toEqual({ copied: 1, inserts: 1, updates: 1, deletes: 2, keyChanges: 1 });
    expect([counts.position, counts.consistent, counts.commits]).toEqual(['B', true, 1]);
    expect(counts.partial).toEqual(['public.late']);
  });

  test('counts a transaction of one batch, and one that moves progress alone', async () => {
    const counts = noCommits();
    const counted = countingSink(sink, counts);
    const owned = await counted.claim(signal);
    await counted.commitOne(owned, batch([[1, 1, Op.insert]]), progress, false, signal);
    await counted.commitOne(owned, undefined, progress, false, signal);
    expect(counts.changes.inserts).toBe(1);
    expect([counts.position, counts.commits]).toEqual(['B', 2]);
    const failing = countingSink({ ...sink, commitOne: async () => Promise.reject(new Error('refused')) }, counts);
    await expect(failing.commitOne(owned, batch([[1, 1, Op.insert]]), progress, false, signal)).rejects.toThrow(
      'refused',
    );
    expect([counts.changes.inserts, counts.commits]).toEqual([1, 2]);
  });

  test('counts nothing of a transaction that was rolled back', async () => {
    const counts = noCommits();
    const counted = countingSink(sink, counts);
    const transaction = await counted.begin(await counted.claim(signal), signal);
    await transaction.apply(batch([[1, 1, Op.insert]]), signal);
    await transaction[Symbol.asyncDispose]();
    expect(counts).toEqual(noCommits());
  });
});
