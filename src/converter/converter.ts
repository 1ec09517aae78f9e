import type { Batch } from '../change/batch.ts';
import type { TableSchema } from '../change/table-schema.ts';
import type { ByteWriter } from '../change/byte-writer.ts';
import { OperatorError } from '../errors.ts';

/** A new schema that cannot be registered because readers of an earlier one would not understand it; the table has changed already. */
export class SchemaRefused extends OperatorError {}

/** What becomes of a schema that the level of its subject forbids: the source stops, or it is registered all the same. */
export type OnIncompatible = 'fail' | 'force';

/** A schema (canonical JSON text) and the subject that it is of. */
export interface SubjectSchema {
  readonly subject: string;
  readonly schema: string;
}

/** Where schemas live; ids are the registry's own. One implementation speaks HTTP, one keeps them in the log. */
export interface SchemaStore {
  /** Registers `schema` (canonical JSON text) under `subject` and returns its id; the id of an equal schema already there. Throws SchemaRefused. */
  register(subject: string, schema: string, signal: AbortSignal): Promise<number>;
  /** Registers many at once where that is cheaper; `register` is asked for each of them all the same, and refuses what is to be refused. */
  registerAhead?(schemas: readonly SubjectSchema[], signal: AbortSignal): Promise<void>;
  /** The text of the schema with this id. Throws OperatorError when there is none. */
  byId(id: number, signal: AbortSignal): Promise<string>;
}

/** What stands in an envelope besides the row. Constant for a connector. */
export interface EnvelopeOrigin {
  /** Rowcast's version. */
  readonly version: string;
  /** `topic.prefix`. */
  readonly name: string;
  readonly database: string;
}

/**
 * Operations as an envelope spells them, as ASCII codes: c, u, d, r. A key change travels as d, tombstone, c
 * (docs/format.md), so there are only these four.
 */
export const WireOp = { create: 0x63, update: 0x75, delete: 0x64, read: 0x72 } as const;
export type WireOp = (typeof WireOp)[keyof typeof WireOp];

/**
 * Rows of one table version to record bytes (key and value with Confluent's framing). Compiled; synchronous; writes in place.
 */
export interface RowEncoder {
  readonly table: TableSchema;
  readonly topic: string;
  /** False for a table without key: its records have a null key. */
  readonly hasKey: boolean;
  /** Writes the framed key of the row whose first cell is `row`. */
  key(batch: Batch, row: number, out: ByteWriter): void;
  /**
   * Writes the framed value of change `change` as `op` with these rows (-1: none); they need not be the change's own rows.
   * Afterwards `exact` holds what the value's schema could not carry.
   */
  value(batch: Batch, change: number, op: WireOp, before: number, after: number, out: ByteWriter): void;
  /**
   * The `rowcast.exact` header's bytes for the value written last: UNCHANGED columns and exact texts (docs/format.md);
   * `length` 0 when the value says everything.
   */
  readonly exact: ByteWriter;
}

/** Values of one writer schema to rows. Compiled; synchronous. */
export interface RowDecoder {
  /**
   * Decodes the framed value at `bytes[start..end)` into new cells of `batch`, in the order of `table`'s columns, and returns
   * by `before`/`after` their first cell or -1. `exactStart`/`exactEnd` bound the `rowcast.exact` header's value (equal: none).
   * Throws RecordError for bytes that are not such a value.
   */
  decode(bytes: Buffer, start: number, end: number, exactStart: number, exactEnd: number, batch: Batch): void;
  /** Lets go of the bytes that were decoded last: megabytes may come with them, and the table's next row may be long in coming. */
  release(): void;
  before: number;
  after: number;
}

/** A table version and the topic of its rows. */
export interface AnnouncedTable {
  readonly table: TableSchema;
  readonly topic: string;
}

/** Makes encoders and decoders; both may have to ask the schema store, so they are made before the hot loop. */
export interface Converter {
  /** Registers the schemas of this table version for `topic` and compiles its encoder. */
  encoder(table: TableSchema, topic: string, signal: AbortSignal): Promise<RowEncoder>;
  /** Says for which tables `encoder` is about to be asked, so that what it has to wait for is waited for once. */
  announce(tables: readonly AnnouncedTable[], signal: AbortSignal): Promise<void>;
  /**
   * The decoder of values written with schema `id` for rows of `table`, whose source writes them to `topic`. Throws RecordError when the schema is not
   * one that an encoder of that table version and topic registers; it is made once, so what a record with another topic says is not looked at.
   */
  decoder(id: number, table: TableSchema, topic: string, signal: AbortSignal): Promise<RowDecoder>;
}

/** The schema id of a framed value: magic byte 0, then the id as 4 bytes big-endian; -1 if it is not framed so. */
export function schemaId(bytes: Buffer, start: number, end: number): number {
  return end - start >= 5 && bytes[start] === 0 ? bytes.readUInt32BE(start + 1) : -1;
}
