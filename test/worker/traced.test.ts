import { type Attributes, type Span, SpanStatusCode, trace, type TracerProvider } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Batch, Op } from '../../src/change/batch.ts';
import { TransientError } from '../../src/errors.ts';
import type { Append, Log, Published } from '../../src/log/log.ts';
import type { Ownership, Progress, Sink } from '../../src/sink/sink.ts';
import { tracedLog, tracedSink } from '../../src/worker/traced.ts';

interface Ended {
  readonly name: string;
  readonly attributes: Attributes;
  readonly error?: string;
}

const ended: Ended[] = [];

/** What an SDK does, as far as it is asked here. */
const provider = {
  getTracer: () => ({
    startSpan(name: string, { attributes: given = {} }: { attributes?: Attributes }) {
      const attributes: Attributes = { ...given };
      let error: string | undefined;
      return {
        setAttributes: (more: Attributes) => Object.assign(attributes, more),
        setStatus: (status: { code: SpanStatusCode; message?: string }) => {
          if (status.code === SpanStatusCode.ERROR) error = status.message;
        },
        end: () => ended.push({ name, attributes, ...(error !== undefined && { error }) }),
      } as unknown as Span;
    },
  }),
} as unknown as TracerProvider;

beforeAll(() => {
  trace.setGlobalTracerProvider(provider);
});
afterAll(() => trace.disable());
beforeEach(() => {
  ended.length = 0;
});

const signal = new AbortController().signal;
const appends = [
  { topic: 't', partition: 0, records: { count: 3, byteLength: 100 } },
  { topic: 't', partition: 1, records: { count: 2, byteLength: 50 } },
] as unknown as readonly Append[];

function logThat(publish: () => Promise<Published>): Log {
  return { publish } as unknown as Log;
}

test('a publish of rows is a span, one that fails says why, and one of a checkpoint alone is none', async () => {
  const published = { spans: [], checkpoint: [] };
  await tracedLog(
    logThat(async () => published),
    'shop',
  ).publish(appends, undefined, signal);
  await tracedLog(
    logThat(async () => published),
    'shop',
  ).publish([], undefined, signal);
  const broken = tracedLog(
    logThat(() => Promise.reject(new TransientError('The broker is away'))),
    'shop',
  );
  await expect(broken.publish(appends, undefined, signal)).rejects.toThrow('The broker is away');
  const attributes = {
    'rowcast.connector': 'shop',
    'rowcast.records': 5,
    'rowcast.bytes': 150,
    'rowcast.partitions': 2,
  };
  expect(ended).toEqual([
    { name: 'rowcast.publish', attributes },
    { name: 'rowcast.publish', attributes, error: 'The broker is away' },
  ]);
});

const owned: Ownership = { epoch: 1, progress: undefined };
const progress = { position: '00000000000000AB', number: 7 } as unknown as Progress;

function batchOf(changes: number): Batch {
  const batch = new Batch();
  for (let i = 0; i < changes; i++) batch.addChange(Op.insert, 0, 0, 0, -1, -1);
  return batch;
}

function sinkThat(apply: () => Promise<void>): Sink {
  const none = async (): Promise<void> => {};
  return {
    begin: async () => ({ apply, commit: none, [Symbol.asyncDispose]: none }),
    commitOne: none,
  } as unknown as Sink;
}

test('a target transaction is a span with what it applied and reached', async () => {
  const sink = tracedSink(
    sinkThat(async () => {}),
    'replica',
  );
  {
    await using transaction = await sink.begin(owned, signal);
    await transaction.apply(batchOf(3), signal);
    await transaction.apply(batchOf(2), signal);
    await transaction.commit(progress, true, signal);
  }
  await sink.commitOne(owned, batchOf(1), progress, true, signal);
  const reached = { 'rowcast.connector': 'replica', 'rowcast.position': progress.position, 'rowcast.checkpoint': 7 };
  expect(ended).toEqual([
    { name: 'rowcast.apply', attributes: { ...reached, 'rowcast.changes': 5 } },
    { name: 'rowcast.apply', attributes: { ...reached, 'rowcast.changes': 1 } },
  ]);
});

test('one that is rolled back ends once, with what went wrong', async () => {
  const sink = tracedSink(
    sinkThat(() => Promise.reject(new TransientError('A deadlock'))),
    'replica',
  );
  const transaction = await sink.begin(owned, signal);
  await expect(transaction.apply(batchOf(1), signal)).rejects.toThrow('A deadlock');
  await transaction[Symbol.asyncDispose]();
  await transaction[Symbol.asyncDispose]();
  expect(ended).toEqual([
    { name: 'rowcast.apply', attributes: { 'rowcast.connector': 'replica' }, error: 'A deadlock' },
  ]);
});
