import { type Batch, NULL, UNCHANGED } from '../../change/batch.ts';

/** How the tuples of a relation are read: one entry per column on the wire. */
export interface TupleLayout {
  /** 0 for a column that is not captured. */
  readonly keep: Uint8Array;
  /** 1 for a column that its table version declares not null. */
  readonly required: Uint8Array;
}

/** Told by `appendTuple`: a captured value was not sent because it is unchanged TOAST. */
export const HAS_UNCHANGED = 1;
/** Told by `appendTuple`: a column is NULL that its table version declares not null. */
export const HAS_UNEXPECTED_NULL = 2;

/**
 * Copies the tuple `bytes[at..end)` into the batch at once (the receiver's memory is reused) and adds one cell per captured column.
 * Throws a plain Error when the tuple is cut short, has bytes left over or columns of other kinds than text.
 */
export function appendTuple(batch: Batch, bytes: Buffer, at: number, end: number, layout: TupleLayout): number {
  const { keep, required } = layout;
  const count = columnCount(bytes, at, end);
  if (count !== keep.length) throw new Error(`A pgoutput tuple has ${count} columns, its relation ${keep.length}`);
  // One copy of the whole tuple, some bytes between the values included, is cheaper than one per value.
  const shift = batch.reserve(end - at) - at;
  batch.bytes.set(new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at), at + shift);
  batch.byteLength = end + shift;
  batch.reserveCells(count);
  const { cells } = batch;
  let cell = 2 * batch.cellCount;
  let told = 0;
  let next = at + 2;
  for (let column = 0; column < count; column++) {
    const kept = keep[column] === 1;
    const kind = next < end ? bytes[next++] : cutShort();
    if (kind === 0x74) {
      const from = next + 4;
      next = textEnd(bytes, next, end);
      if (!kept) continue;
      cells[cell++] = from + shift;
      cells[cell++] = next + shift;
    } else if (kind === 0x6e) {
      if (!kept) continue;
      cells[cell++] = 0;
      cells[cell++] = NULL;
      if (required[column] === 1) told |= HAS_UNEXPECTED_NULL;
    } else if (kind === 0x75) {
      if (!kept) continue;
      cells[cell++] = 0;
      cells[cell++] = UNCHANGED;
      told |= HAS_UNCHANGED;
    } else throw unknownKind(kind);
  }
  batch.cellCount = cell >> 1;
  if (next !== end) throw new Error('A pgoutput tuple is longer than its columns');
  return told;
}

/** Where the tuple that begins at `at` ends. */
export function tupleEnd(bytes: Buffer, at: number, end: number): number {
  const count = columnCount(bytes, at, end);
  let next = at + 2;
  for (let column = 0; column < count; column++) {
    const kind = next < end ? bytes[next++] : cutShort();
    if (kind === 0x74) next = textEnd(bytes, next, end);
    else if (kind !== 0x6e && kind !== 0x75) throw unknownKind(kind);
  }
  return next;
}

function columnCount(bytes: Buffer, at: number, end: number): number {
  if (at + 2 > end) cutShort();
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function textEnd(bytes: Buffer, at: number, end: number): number {
  if (at + 4 > end) cutShort();
  const length =
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number);
  const next = at + 4 + length;
  if (length < 0 || next > end) cutShort();
  return next;
}

function cutShort(): never {
  throw new Error('A pgoutput tuple is cut short');
}

function unknownKind(kind: number | undefined): Error {
  return new Error(`A pgoutput tuple has a column of unknown kind ${kind}`);
}
