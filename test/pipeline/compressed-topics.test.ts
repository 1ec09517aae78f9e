import { expect, test } from 'vitest';
import { Batch, Op } from '../../src/change/batch.ts';
import { compressionOf } from '../../src/log/compression/compression.ts';
import { schemaChangesTopic } from '../../src/log/protocol/topics.ts';
import { BatchEncoder } from '../../src/pipeline/encode-batch.ts';
import { addRow, avroConverter, column, memoryStore, table, TRANSACTION } from '../converter/fixture.ts';
import { readRecords } from '../log/records.ts';

const TABLE = table([column('id', 'int4'), column('t', 'text')], { identity: 'default' });
const { signal } = new AbortController();

test('table topics are compressed, in every partition, and control topics are not', async () => {
  const topic = { name: 'srv.public.orders', partitions: 2 };
  const encoder = new BatchEncoder({
    prefix: 'srv',
    converter: avroConverter(memoryStore()),
    tombstones: false,
    now: () => 0,
    topicsFor: (tables) => Promise.resolve(tables.map(() => topic)),
    recordBatchBytes: 10_000,
    compression: compressionOf('lz4'),
  });
  const batch = new Batch();
  batch.addControl({ kind: 'table', table: TABLE }, 0, 0);
  batch.tables.push(TABLE);
  batch.transactions.push(TRANSACTION);
  for (let i = 0; i < 400; i++) batch.addChange(Op.insert, 0, 0, 0, -1, addRow(batch, [String(i), 'some text']));
  encoder.beginInterval(1, 1);
  await encoder.prepare(batch, signal);
  const codecs = encoder.encode(batch).map((append) => ({
    topic: append.topic,
    partition: append.partition,
    codecs: new Set(append.records.batches.map(({ bytes }) => bytes.readInt16BE(21))),
    records: append.records.batches.flatMap(({ bytes }) => readRecords(bytes)).length,
  }));
  expect(codecs.map(({ records }) => records).reduce((sum, each) => sum + each)).toBe(401);
  expect(codecs).toMatchObject([
    { topic: schemaChangesTopic('srv'), partition: 0, codecs: new Set([0]), records: 1 },
    { topic: topic.name, partition: 0, codecs: new Set([3]) },
    { topic: topic.name, partition: 1, codecs: new Set([3]) },
  ]);
});
