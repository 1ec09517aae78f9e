import { expect, test } from 'vitest';
import { Batch, Op } from '../../../src/change/batch.ts';
import { ByteWriter } from '../../../src/change/byte-writer.ts';
import { WireOp } from '../../../src/converter/converter.ts';
import { createAvroConverter } from '../../../src/converter/avro/avro-converter.ts';
import { addRow, avroConverter, column, encode, memoryStore, ORIGIN, path, table, TRANSACTION } from '../fixture.ts';
import { oracle } from './oracle.ts';

const TABLE = table([column('id', 'int4', { nullable: false })]);
const { signal } = new AbortController();

test('a snapshot row says so and has no transaction id', async () => {
  const { encoder, valueSchema } = await path(TABLE);
  const { value } = encode(encoder, WireOp.read, undefined, ['1'], { ...TRANSACTION, xid: 0 });
  expect(oracle(valueSchema).fromBuffer(value.subarray(5))).toMatchObject({
    op: 'r',
    source: { snapshot: { string: 'true' }, txId: null },
  });
});

test('a delete has no after row', async () => {
  const { encoder, valueSchema } = await path(TABLE);
  const { value } = encode(encoder, WireOp.delete, ['1'], undefined);
  expect(oracle(valueSchema).fromBuffer(value.subarray(5))).toMatchObject({ op: 'd', after: null });
});

test('the sequence holds the previous commit LSN of the stream, also when other tables carried it', async () => {
  const store = memoryStore();
  const converter = avroConverter(store);
  const first = await converter.encoder(TABLE, 'srv.public.a', signal);
  const second = await converter.encoder({ ...TABLE }, 'srv.public.b', signal);
  const type = oracle(store.texts.find((text) => text.includes('srv.public.a.Envelope')) as string);
  const sequence = (bytes: Buffer): unknown =>
    (type.fromBuffer(bytes.subarray(5)) as { source: { sequence: { string: string } } }).source.sequence.string;
  const lsn = 0x12_3456_7800;
  const transactions = [1, 2, 3].map((n) => ({ ...TRANSACTION, xid: n, commitLsn: 1000 * n }));
  const encoded = [first, first, second, first].map((encoder, i) => {
    const transaction = transactions[[0, 0, 1, 2][i] as number] as typeof TRANSACTION;
    // A transaction that goes on in the next batch comes as another object.
    return encode(encoder, WireOp.create, undefined, ['1'], i === 1 ? { ...transaction } : transaction).value;
  });
  expect(encoded.map(sequence)).toEqual([
    `[null,"${lsn}"]`,
    `[null,"${lsn}"]`,
    `["1000","${lsn}"]`,
    `["2000","${lsn}"]`,
  ]);
});

test('the transaction block counts over all tables and per table', async () => {
  const store = memoryStore();
  const converter = avroConverter(store, true);
  const first = await converter.encoder(TABLE, 'srv.public.a', signal);
  const second = await converter.encoder({ ...TABLE }, 'srv.public.b', signal);
  const type = oracle(store.texts.find((text) => text.includes('srv.public.a.Envelope')) as string);
  const next = { ...TRANSACTION, xid: 772, commitLsn: TRANSACTION.commitLsn + 8 };
  const blocks = [first, second, first, first].map((encoder, i) => {
    const { value } = encode(encoder, WireOp.create, undefined, ['1'], i === 3 ? next : TRANSACTION);
    const { transaction } = type.fromBuffer(value.subarray(5)) as { transaction: { 'event.block': object } };
    return { ...transaction['event.block'] };
  });
  const id = `771:${TRANSACTION.commitLsn}`;
  expect(blocks).toEqual([
    { id, total_order: 1n, data_collection_order: 1n },
    { id, total_order: 2n, data_collection_order: 1n },
    { id, total_order: 3n, data_collection_order: 2n },
    { id: `772:${next.commitLsn}`, total_order: 1n, data_collection_order: 1n },
  ]);
});

test('changes of several transactions in one batch carry their own facts', async () => {
  const { encoder, valueSchema } = await path(TABLE);
  const batch = new Batch();
  const lsns = [0, 9, 10, 0xffff_ffff, 0x1_0000_0000, 2 ** 52];
  const rows = lsns.map((lsn, i) => {
    batch.transactions.push({ xid: 4_294_967_295 - i, commitLsn: lsn + 8, commitTimeUs: 1_000_001 * i });
    const row = addRow(batch, [`${i}`]);
    return batch.addChange(Op.insert, 0, i, lsn, -1, row);
  });
  const type = oracle(valueSchema);
  for (const change of [...rows, ...rows.reverse()]) {
    const out = new ByteWriter();
    encoder.value(batch, change, WireOp.create, -1, batch.after[change] as number, out);
    const lsn = lsns[change] as number;
    const us = BigInt(1_000_001 * change);
    const { source } = type.fromBuffer(out.view().subarray(5)) as { source: Record<string, unknown> };
    expect(source).toMatchObject({
      ts_ms: us / 1000n,
      ts_us: { long: us },
      ts_ns: { long: us * 1000n },
      txId: { long: 4_294_967_295n - BigInt(change) },
      lsn: { long: BigInt(lsn) },
    });
    expect((source.sequence as { string: string }).string).toMatch(new RegExp(`,"${lsn}"]$`));
  }
});

test('the time of processing is the clock at every call', async () => {
  const store = memoryStore();
  let now = 1000;
  const converter = createAvroConverter(store, ORIGIN, { clock: { now: () => now } });
  const encoder = await converter.encoder(TABLE, 'srv.public.orders', signal);
  const type = oracle(store.texts[1] as string);
  for (; now < 1003; now++) {
    const { value } = encode(encoder, WireOp.create, undefined, ['1']);
    const ms = BigInt(now);
    expect(type.fromBuffer(value.subarray(5))).toMatchObject({
      ts_ms: { long: ms },
      ts_us: { long: ms * 1000n },
      ts_ns: { long: ms * 1_000_000n },
    });
  }
});

test('an encoder is made once per table version and topic', async () => {
  const store = memoryStore();
  const converter = avroConverter(store);
  const encoder = await converter.encoder(TABLE, 'srv.public.orders', signal);
  expect(await converter.encoder(TABLE, 'srv.public.orders', signal)).toBe(encoder);
  expect(await converter.encoder(TABLE, 'srv.public.other', signal)).not.toBe(encoder);
  expect(await converter.encoder({ ...TABLE }, 'srv.public.orders', signal)).not.toBe(encoder);
  expect(store.texts).toHaveLength(4);
  const decoder = await converter.decoder(2, TABLE, 'srv.public.orders', signal);
  expect(await converter.decoder(2, TABLE, 'srv.public.orders', signal)).toBe(decoder);
});
