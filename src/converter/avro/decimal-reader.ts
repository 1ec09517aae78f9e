import type { Batch } from '../../change/batch.ts';
import type { AvroInput } from './avro-input.ts';
import { MAX_SCALE, MAX_WHOLE_DIGITS } from './decimal-writer.ts';
import { type CellReader, putInteger, putLong, putText } from './number-reader.ts';

const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/** More bytes than Postgres's largest numeric has: a guard against values that would take minutes to print. */
const MAX_BYTES = Math.ceil(((MAX_SCALE + MAX_WHOLE_DIGITS) * Math.log2(10)) / 8) + 1;

/** Connect's Decimal: the unscaled value as big-endian two's complement. */
export function decimalReader(scale: number): CellReader {
  return (input, batch) => readUnscaled(input, batch, scale);
}

/** Debezium's VariableScaleDecimal: scale and unscaled value. */
export function readVariableDecimal(input: AvroInput, batch: Batch): void {
  const scale = input.int();
  if (scale > MAX_SCALE || scale < -MAX_WHOLE_DIGITS) throw input.error('holds a numeric that Postgres does not have');
  readUnscaled(input, batch, scale);
}

function readUnscaled(input: AvroInput, batch: Batch, scale: number): void {
  const size = input.length();
  if (size > MAX_BYTES) throw input.error('holds a numeric that Postgres does not have');
  const start = batch.byteLength;
  putUnscaled(input, batch, input.take(size), size);
  const first = batch.bytes[start] === MINUS ? start + 1 : start;
  if (scale > 0) insertPoint(batch, first, scale);
  else if (scale < 0 && batch.bytes[first] !== ZERO) appendZeros(batch, -scale);
}

function putUnscaled(input: AvroInput, batch: Batch, at: number, size: number): void {
  const { bytes } = input;
  if (size === 0) putInteger(batch, 0);
  else if (size <= 6) putInteger(batch, bytes.readIntBE(at, size));
  else if (size <= 8) {
    const high = bytes.readIntBE(at, size - 4);
    putLong(batch, high, bytes.readUInt32BE(at + size - 4));
  } else {
    const unsigned = BigInt(`0x${bytes.toString('hex', at, at + size)}`);
    putText(batch, BigInt.asIntN(8 * size, unsigned).toString());
  }
}

/** Puts the point before the last `scale` digits, with zeros where there are too few: 5 -> 0.05. */
function insertPoint(batch: Batch, first: number, scale: number): void {
  const missing = Math.max(0, scale + 1 - (batch.byteLength - first));
  batch.reserve(missing + 1);
  const { bytes } = batch;
  if (missing > 0) {
    bytes.copyWithin(first + missing, first, batch.byteLength);
    bytes.fill(ZERO, first, first + missing);
  }
  const end = batch.byteLength + missing;
  const point = end - scale;
  bytes.copyWithin(point + 1, point, end);
  bytes[point] = POINT;
  batch.byteLength = end + 1;
}

function appendZeros(batch: Batch, count: number): void {
  const at = batch.reserve(count);
  batch.bytes.fill(ZERO, at, at + count);
  batch.byteLength = at + count;
}
