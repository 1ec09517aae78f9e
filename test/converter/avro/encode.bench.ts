/**
 * Prints how fast rows are encoded and decoded, without asserting it:
 * npx esbuild test/converter/avro/encode.bench.ts --bundle --platform=node --format=esm --packages=external | node --input-type=module
 */
import { Batch, Op } from '../../../src/change/batch.ts';
import { ByteWriter } from '../../../src/change/byte-writer.ts';
import { WireOp } from '../../../src/converter/converter.ts';
import { addRow, column, numericModifier, path, TRANSACTION, table } from '../fixture.ts';

const ROWS = 2000;
const ROUNDS = 500;

const columns = [
  column('id', 'int8', { nullable: false }),
  column('customer', 'int4', { nullable: false }),
  column('name', 'text'),
  column('price', 'numeric', { modifier: numericModifier(10, 2) }),
  column('at', 'timestamptz'),
];
const { encoder, decoder } = await path(table(columns));

const batch = new Batch();
batch.tables.push(encoder.table);
for (let i = 0; i < ROWS; i++) {
  if (i % 100 === 0) batch.transactions.push({ ...TRANSACTION, xid: 700 + i, commitLsn: TRANSACTION.commitLsn + i });
  const time = `2026-11-21 10:20:${String(i % 60).padStart(2, '0')}.123456+00`;
  const row = addRow(batch, [`${1_000_000_000 + i}`, `${i}`, `customer number ${i}`, `${i}.25`, time]);
  batch.addChange(Op.insert, 0, batch.transactions.length - 1, TRANSACTION.commitLsn + i * 64, -1, row);
}

const out = new ByteWriter(4 * 1024 * 1024);
const ends = new Int32Array(ROWS + 1);

function encodeAll(): void {
  out.length = 0;
  for (let i = 0; i < ROWS; i++) {
    encoder.value(batch, i, WireOp.create, -1, batch.after[i] as number, out);
    ends[i + 1] = out.length;
  }
}

const decoded = new Batch(1, ROWS * columns.length, 1024 * 1024);

function decodeAll(): void {
  decoded.cellCount = 0;
  decoded.byteLength = 0;
  for (let i = 0; i < ROWS; i++) decoder.decode(out.bytes, ends[i] as number, ends[i + 1] as number, 0, 0, decoded);
}

function measure(name: string, run: () => void): void {
  for (let i = 0; i < 100; i++) run();
  const start = process.hrtime.bigint();
  for (let i = 0; i < ROUNDS; i++) run();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const rate = Math.round((ROWS * ROUNDS) / seconds / 1000);
  process.stdout.write(`${name}: ${rate}k rows/s, ${Math.round(out.length / ROWS)} bytes per value\n`);
}

measure('encode', encodeAll);
measure('decode', decodeAll);
