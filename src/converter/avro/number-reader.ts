import type { Batch } from '../../change/batch.ts';
import type { AvroInput } from './avro-input.ts';
import { floatText } from './float-text.ts';

/** Appends to the batch's bytes the Postgres text of the value that comes next in the input. */
export type CellReader = (input: AvroInput, batch: Batch) => void;

const MINUS = 45;
const ZERO = 48;

export function readBoolean(input: AvroInput, batch: Batch): void {
  const value = input.byte();
  if (value > 1) throw input.error('holds a boolean that is neither true nor false');
  const at = batch.reserve(1);
  batch.bytes[at] = value === 1 ? 0x74 : 0x66;
  batch.byteLength = at + 1;
}

export function readInt(input: AvroInput, batch: Batch): void {
  putInteger(batch, input.int());
}

export function readLong(input: AvroInput, batch: Batch): void {
  input.long();
  putLong(batch, input.high, input.low);
}

export function readFloat(input: AvroInput, batch: Batch): void {
  putFloat(batch, input.bytes.readFloatLE(input.take(4)), true);
}

export function readDouble(input: AvroInput, batch: Batch): void {
  putFloat(batch, input.bytes.readDoubleLE(input.take(8)), false);
}

function putFloat(batch: Batch, value: number, isSingle: boolean): void {
  const limit = isSingle ? 1e6 : 1e15;
  if (Number.isInteger(value) && value < limit && value > -limit && value !== 0) putInteger(batch, value);
  else putText(batch, floatText(value, isSingle));
}

/** Appends a short ASCII text. */
export function putText(batch: Batch, text: string): void {
  const at = batch.reserve(text.length);
  batch.byteLength = at + batch.bytes.write(text, at, 'latin1');
}

/** Appends a safe integer in decimal. */
export function putInteger(batch: Batch, value: number): void {
  batch.reserve(17);
  if (value < 0) {
    batch.bytes[batch.byteLength++] = MINUS;
    putDigits(batch, -value, 1);
  } else putDigits(batch, value, 1);
}

/** Appends a signed 64-bit integer in decimal. */
export function putLong(batch: Batch, high: number, low: number): void {
  if (high >= -0x10_0000 && high < 0x10_0000) {
    putInteger(batch, high * 0x1_0000_0000 + low);
    return;
  }
  batch.reserve(20);
  let upper = high;
  let lower = low;
  if (high < 0) {
    batch.bytes[batch.byteLength++] = MINUS;
    lower = -low >>> 0;
    upper = lower === 0 ? -high : ~high;
  }
  putUnsigned(batch, upper >>> 0, lower);
}

/** Appends an unsigned 64-bit integer in decimal: long division by 10^9 over halves of 16 bits. */
function putUnsigned(batch: Batch, high: number, low: number): void {
  let quotient = 0;
  let rest = 0;
  for (let i = 0; i < 4; i++) {
    const word = i < 2 ? high : low;
    const current = rest * 0x1_0000 + (i % 2 === 0 ? word >>> 16 : word & 0xffff);
    const part = Math.floor(current / 1e9);
    quotient = quotient * 0x1_0000 + part;
    rest = current - part * 1e9;
  }
  putDigits(batch, quotient, 1);
  putDigits(batch, rest, 9);
}

/** Appends a safe integer that is not negative, with zeros in front up to `width` digits. The caller has reserved the room. */
export function putDigits(batch: Batch, value: number, width: number): void {
  if (value >= 1e9) {
    const upper = Math.floor(value / 1e9);
    putDigits(batch, upper, width - 9);
    putDigits(batch, value - upper * 1e9, 9);
    return;
  }
  let size = 1;
  for (let power = 10; value >= power && size < 9; power *= 10) size++;
  if (size < width) size = width;
  const { bytes } = batch;
  const start = batch.byteLength;
  let rest = value | 0;
  for (let at = start + size - 1; at >= start; at--) {
    const next = (rest / 10) | 0;
    bytes[at] = ZERO + rest - next * 10;
    rest = next;
  }
  batch.byteLength = start + size;
}
