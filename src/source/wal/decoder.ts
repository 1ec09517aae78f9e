import { tupleEnd } from './tuple.ts';

/** One column of a Relation message. */
export interface RelationColumn {
  readonly name: string;
  readonly isKey: boolean;
  readonly typeId: number;
  readonly modifier: number;
}

export interface RelationMessage {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  /** `pg_class.relreplident`: d, n, f or i. */
  readonly identity: string;
  readonly columns: readonly RelationColumn[];
}

/** What old values precede an update or delete: none, the key's (`K`), or the whole row's (`O`, identity FULL). */
export type OldTuple = '' | 'K' | 'O';

/**
 * Hears what a message says. Tuples are given as the place in the message where they begin: their bytes are only good
 * until the call returns.
 */
export interface PgoutputListener {
  begin(commitLsn: number, commitTimeUs: number, xid: number): void;
  commit(commitLsn: number, endLsn: number): void;
  relation(message: RelationMessage): void;
  insert(relationId: number, bytes: Buffer, after: number, end: number): void;
  update(relationId: number, bytes: Buffer, old: OldTuple, before: number, after: number, end: number): void;
  delete(relationId: number, bytes: Buffer, old: OldTuple, before: number, end: number): void;
  truncate(relationIds: readonly number[], cascade: boolean, restartIdentity: boolean): void;
}

/** Microseconds from 1970 to 2000, where Postgres's clock begins. */
const EPOCH_US = 946_684_800_000_000;

/**
 * Decodes one pgoutput message of protocol version 1 in text form, `bytes[start..end)`. Throws a plain Error that names the message
 * when it is cut short, has bytes left over or is of a kind that was not asked for.
 * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export function decodeMessage(bytes: Buffer, start: number, end: number, listener: PgoutputListener): void {
  need(bytes, start, start + 1, end);
  const at = start + 1;
  switch (bytes[start] as number) {
    case 0x49: // I
      need(bytes, start, at + 5, end);
      expect(bytes, start, at + 4, 'N');
      return listener.insert(bytes.readUInt32BE(at), bytes, at + 5, end);
    case 0x55: // U
      return decodeUpdate(bytes, start, end, listener);
    case 0x44: // D
      return decodeDelete(bytes, start, end, listener);
    case 0x42: // B
      whole(bytes, start, at + 20, end);
      return listener.begin(readLsn(bytes, at), readInt64(bytes, at + 8) + EPOCH_US, bytes.readUInt32BE(at + 16));
    case 0x43: // C
      whole(bytes, start, at + 25, end);
      return listener.commit(readLsn(bytes, at + 1), readLsn(bytes, at + 9));
    case 0x52: // R
      return listener.relation(decodeRelation(bytes, start, end));
    case 0x54: // T
      return decodeTruncate(bytes, start, end, listener);
    case 0x59: // Y: a type's name; types are looked up in the catalog by their id
    case 0x4f: // O: the origin of a transaction
    case 0x4d: // M: a logical message, never trusted (Invariant 11)
    case 0x41: // A, "stream abort": PostgreSQL 18 says it of rolled back transactions of which it has sent nothing, though no streaming was asked for
      return;
    default:
      throw new Error(`Pgoutput sent a message of unknown kind ${nameOf(bytes, start)}`);
  }
}

/** The message if it is one that describes a relation. Throws as `decodeMessage`. */
export function readRelation(bytes: Buffer, start: number, end: number): RelationMessage | undefined {
  return bytes[start] === 0x52 && end > start ? decodeRelation(bytes, start, end) : undefined;
}

/** Reads an unsigned 64-bit integer below 2^53. */
export function readLsn(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function decodeUpdate(bytes: Buffer, start: number, end: number, listener: PgoutputListener): void {
  need(bytes, start, start + 6, end);
  const relationId = bytes.readUInt32BE(start + 1);
  const old = oldTuple(bytes[start + 5]);
  if (old === '') {
    expect(bytes, start, start + 5, 'N');
    return listener.update(relationId, bytes, '', -1, start + 6, end);
  }
  const after = tupleEnd(bytes, start + 6, end);
  need(bytes, start, after + 1, end);
  expect(bytes, start, after, 'N');
  listener.update(relationId, bytes, old, start + 6, after + 1, end);
}

function decodeDelete(bytes: Buffer, start: number, end: number, listener: PgoutputListener): void {
  need(bytes, start, start + 6, end);
  const old = oldTuple(bytes[start + 5]);
  if (old === '') throw new Error(`Pgoutput message ${nameOf(bytes, start)} has no old tuple`);
  listener.delete(bytes.readUInt32BE(start + 1), bytes, old, start + 6, end);
}

function decodeTruncate(bytes: Buffer, start: number, end: number, listener: PgoutputListener): void {
  need(bytes, start, start + 6, end);
  const count = bytes.readUInt32BE(start + 1);
  const options = bytes[start + 5] as number;
  whole(bytes, start, start + 6 + 4 * count, end);
  const relationIds = Array.from({ length: count }, (_, i) => bytes.readUInt32BE(start + 6 + 4 * i));
  listener.truncate(relationIds, (options & 1) !== 0, (options & 2) !== 0);
}

function decodeRelation(bytes: Buffer, start: number, end: number): RelationMessage {
  need(bytes, start, start + 5, end);
  const reader = { at: start + 5 };
  const text = (): string => {
    const zero = bytes.indexOf(0, reader.at);
    if (zero < 0 || zero >= end) throw new Error('Pgoutput message R is cut short');
    const value = bytes.toString('utf8', reader.at, zero);
    reader.at = zero + 1;
    return value;
  };
  const schema = text() || 'pg_catalog'; // an empty name stands for pg_catalog
  const name = text();
  need(bytes, start, reader.at + 3, end);
  const identity = String.fromCharCode(bytes[reader.at] as number);
  const columns: RelationColumn[] = [];
  const count = bytes.readUInt16BE(reader.at + 1);
  reader.at += 3;
  for (let i = 0; i < count; i++) {
    need(bytes, start, reader.at + 1, end);
    const isKey = ((bytes[reader.at++] as number) & 1) !== 0;
    const column = text();
    need(bytes, start, reader.at + 8, end);
    const [typeId, modifier] = [bytes.readUInt32BE(reader.at), bytes.readInt32BE(reader.at + 4)];
    columns.push({ name: column, isKey, typeId, modifier });
    reader.at += 8;
  }
  whole(bytes, start, reader.at, end);
  return { relationId: bytes.readUInt32BE(start + 1), schema, name, identity, columns };
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function oldTuple(kind: number | undefined): OldTuple {
  return kind === 0x4b ? 'K' : kind === 0x4f ? 'O' : '';
}

function need(bytes: Buffer, start: number, needed: number, end: number): void {
  if (needed > end) throw new Error(`Pgoutput message ${end > start ? nameOf(bytes, start) : ''} is cut short`);
}

function whole(bytes: Buffer, start: number, needed: number, end: number): void {
  need(bytes, start, needed, end);
  if (needed < end) throw new Error(`Pgoutput message ${nameOf(bytes, start)} is longer than its format`);
}

function expect(bytes: Buffer, start: number, at: number, kind: string): void {
  if (bytes[at] !== kind.charCodeAt(0)) {
    throw new Error(`Pgoutput message ${nameOf(bytes, start)} has part ${nameOf(bytes, at)} where ${kind} is due`);
  }
}

function nameOf(bytes: Buffer, at: number): string {
  return JSON.stringify(String.fromCharCode(bytes[at] as number));
}
