import type { Op } from '../../change/batch.ts';
import { OperatorError } from '../../errors.ts';

/** Name of the header that every record of Rowcast carries (docs/format.md, "Record header"). */
export const HEADER: Buffer = Buffer.from('rowcast');
/** Name of the header with what the value's schema cannot carry (docs/format.md, "Exact header"). */
export const EXACT_HEADER: Buffer = Buffer.from('rowcast.exact');

export const HEADER_VERSION = 1;
export const HEADER_BYTES = 25;

/** Which part of a change a record is: a key change travels as three records, a delete as two; an event is a row of an outbox, for consumers alone. */
export const Part = { whole: 0, tombstone: 1, oldKey: 2, newKey: 3, event: 4 } as const;
export type Part = (typeof Part)[keyof typeof Part];

/** Writes what stays the same for all records of one table version in one checkpoint interval; the header begins at `at`. */
export function beginHeader(bytes: Buffer, at: number, claim: number, number: number, tableVersion: number): void {
  bytes.fill(0, at, at + HEADER_BYTES);
  bytes[at] = HEADER_VERSION;
  bytes.writeUIntBE(claim, at + 3, 6);
  bytes.writeUIntBE(number, at + 9, 6);
  bytes.writeUInt32BE(tableVersion, at + 21);
}

/** Writes what differs from record to record. `index` counts the records of the interval in source order, from 0. */
export function setHeader(bytes: Buffer, at: number, op: Op, part: Part, index: number): void {
  bytes[at + 1] = op;
  bytes[at + 2] = part;
  const high = Math.floor(index / 0x1_0000_0000);
  bytes[at + 15] = high >>> 8;
  bytes[at + 16] = high & 255;
  bytes[at + 17] = (index >>> 24) & 255;
  bytes[at + 18] = (index >>> 16) & 255;
  bytes[at + 19] = (index >>> 8) & 255;
  bytes[at + 20] = index & 255;
}

/** The highest first byte that a version of Rowcast would write; a foreign header of this name may begin with anything. */
const LAST_VERSION = 31;

/** Throws OperatorError for a header that a newer Rowcast has written: what it says is not to be guessed. `record` names its record. */
export function refuseNewerHeader(bytes: Buffer, start: number, end: number, record: string): void {
  const version = start < end ? (bytes[start] as number) : 0;
  if (version <= HEADER_VERSION || version > LAST_VERSION) return;
  throw new OperatorError(
    `The header of record ${record} has format ${version}, this Rowcast reads format ${HEADER_VERSION}`,
    { advice: 'A newer Rowcast has written it: start the newer Rowcast.' },
  );
}

/** True when the header at `start` is of a version that this reader knows. */
export function isHeader(bytes: Buffer, start: number, end: number): boolean {
  return end - start >= HEADER_BYTES && bytes[start] === HEADER_VERSION;
}

export function headerOp(bytes: Buffer, start: number): Op {
  return bytes[start + 1] as Op;
}

export function headerPart(bytes: Buffer, start: number): Part {
  return bytes[start + 2] as Part;
}

export function headerClaim(bytes: Buffer, start: number): number {
  return uint48(bytes, start + 3);
}

export function headerNumber(bytes: Buffer, start: number): number {
  return uint48(bytes, start + 9);
}

export function headerIndex(bytes: Buffer, start: number): number {
  return uint48(bytes, start + 15);
}

export function headerTableVersion(bytes: Buffer, start: number): number {
  return uint32(bytes, start + 21);
}

/** By hand: these are read for every record, and Buffer's own checks cost more than the reading. `isHeader` has seen the bounds. */
function uint48(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) * 256 + (bytes[at + 1] as number)) * 0x1_0000_0000 + uint32(bytes, at + 2);
}

function uint32(bytes: Buffer, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  return high * 0x1_0000 + low;
}
