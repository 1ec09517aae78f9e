import { expect, test } from 'vitest';
import { Batch, Op } from '../../src/change/batch.ts';
import type { Position } from '../../src/change/position.ts';
import type { Append } from '../../src/log/log.ts';
import { Publisher, type PublisherEncoder, type PublisherWriter } from '../../src/pipeline/publisher.ts';
import { starting } from '../../src/pipeline/stage.ts';

const REST = { rest: () => {}, handedOver: () => {} };

/** A batch of one change; without a position it ends inside a transaction. */
function batchAt(position: Position | undefined): Batch {
  const batch = new Batch(1, 1, 1);
  batch.transactions.push({ xid: 7, commitLsn: 1, commitTimeUs: 0 });
  batch.addChange(Op.insert, 0, 0, 1, -1, 0);
  batch.position = position;
  return batch;
}

/** A publisher whose writer stores a batch when `store` is called, or fails; `seen` is what happens, in order. */
function make() {
  const seen: string[] = [];
  const waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const aborted = new AbortController().signal;
  const writer = {
    claim: 1,
    number: 5,
    position: undefined as Position | undefined,
    consistent: true,
    requests: undefined,
    signal: aborted,
    async publish(_appends: readonly Append[], position: Position | undefined): Promise<void> {
      seen.push(`send ${position}`);
      await new Promise<void>((resolve, reject) => waiting.push({ resolve, reject }));
      if (position === undefined) return;
      writer.position = position;
      writer.number++;
    },
  } satisfies PublisherWriter;
  const encoder: PublisherEncoder = {
    beginInterval: (_claim, number) => void seen.push(`interval ${number}`),
    prepare: async (batch) => {
      if (batch.controls.length > 0) seen.push(`prepare ${batch.position}`);
    },
    encode: (batch) => {
      seen.push(`encode ${batch.position}`);
      return [];
    },
  };
  const acknowledge = async (position: Position): Promise<void> => void seen.push(`acknowledge ${position}`);
  const progress = {
    state: 'streaming' as const,
    stage: starting(0),
    changes: 0,
    records: 0,
    bytes: 0,
    checkpoints: 0,
    position: undefined,
    committedAt: 0,
  };
  const clock = { now: () => 0, monotonic: () => 0, sleep: async () => {} };
  const publisher = new Publisher({ clock, prefix: 'p', progress }, { acknowledge }, encoder, writer);
  const settle = async (how: 'resolve' | 'reject', error?: unknown): Promise<void> => {
    waiting.shift()?.[how](error);
    await idle();
  };
  return { publisher, seen, store: () => settle('resolve'), fail: (error: unknown) => settle('reject', error) };
}

/** Everything that needs no answer from outside has happened. */
async function idle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function* batches(seen: string[], ...positions: (Position | undefined)[]): AsyncGenerator<Batch> {
  for (const position of positions) {
    seen.push(`read ${position}`);
    yield batchAt(position);
  }
}

test('the next batch is read and encoded while one is stored, and sent when that one is acknowledged', async () => {
  const { publisher, seen, store } = make();
  const published = publisher.publishAll(() => batches(seen, 'A', 'B'), new AbortController().signal, REST);
  await idle();
  expect(seen).toEqual(['read A', 'interval 5', 'encode A', 'send A', 'read B', 'interval 6', 'encode B']);
  await store();
  expect(seen.slice(7)).toEqual(['acknowledge A', 'send B']);
  await store();
  await published;
  expect(seen.slice(9)).toEqual(['acknowledge B']);
});

test('what a batch announces is prepared when nothing is on its way: a log takes one publish at a time', async () => {
  const { publisher, seen, store } = make();
  const announcing = batchAt('B');
  announcing.addControl({ kind: 'truncate', tables: [], cascade: false, restartIdentity: false }, 0, 1);
  const published = publisher.publishAll(
    async function* () {
      yield batchAt('A');
      yield announcing;
    },
    new AbortController().signal,
    REST,
  );
  await idle();
  expect(seen).not.toContain('prepare B');
  await store();
  await store();
  await published;
  expect(seen.slice(3)).toEqual(['interval 6', 'acknowledge A', 'prepare B', 'encode B', 'send B', 'acknowledge B']);
});

test('the parts of a transaction are of one interval', async () => {
  const { publisher, seen, store } = make();
  const published = publisher.publishAll(() => batches(seen, undefined, 'A', 'B'), new AbortController().signal, REST);
  await idle();
  for (let i = 0; i < 3; i++) await store();
  await published;
  expect(seen.filter((each) => /interval|send/.test(each))).toEqual([
    'interval 5',
    'send undefined',
    'send A',
    'interval 6',
    'send B',
  ]);
});

test('a batch that cannot be stored ends the reading, and what was encoded behind it is not sent', async () => {
  const { publisher, seen, fail } = make();
  const failure = new Error('the log is full');
  const published = publisher.publishAll(
    async function* (signal) {
      yield* batches(seen, 'A');
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      yield* batches(seen, 'B');
    },
    new AbortController().signal,
    REST,
  );
  const ended = expect(published).rejects.toBe(failure);
  await idle();
  await fail(failure);
  await ended;
  expect(seen).not.toContain('send B');
  expect(seen).not.toContain('acknowledge A');
});

test('who is to stop reads nothing more, but hears of the last position first', async () => {
  const { publisher, seen, store } = make();
  const stop = new AbortController();
  const published = publisher.publishAll(
    async function* (signal) {
      for (let i = 1; !signal.aborted; i++) yield* batches(seen, `A${i}`);
      seen.push('ended');
    },
    stop.signal,
    REST,
  );
  await idle();
  stop.abort();
  while (!seen.includes('ended')) await store();
  await published;
  expect(seen.slice(-2)).toEqual(['acknowledge A2', 'ended']);
});

test('what is asked for behind an empty batch comes when everything is stored', async () => {
  const { publisher, seen, store } = make();
  const published = publisher.publishAll(
    async function* () {
      yield* batches(seen, 'A');
      yield new Batch(1, 1, 1);
      seen.push('behind');
    },
    new AbortController().signal,
    REST,
  );
  await idle();
  expect(seen).not.toContain('behind');
  await store();
  await published;
  expect(seen.slice(-2)).toEqual(['acknowledge A', 'behind']);
});
