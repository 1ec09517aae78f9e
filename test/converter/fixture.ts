import { Batch, NULL, Op, UNCHANGED } from '../../src/change/batch.ts';
import { ByteWriter } from '../../src/change/byte-writer.ts';
import type { Column, TableSchema } from '../../src/change/table-schema.ts';
import type {
  Converter,
  EnvelopeOrigin,
  RowDecoder,
  RowEncoder,
  SchemaStore,
  WireOp,
} from '../../src/converter/converter.ts';
import { createAvroConverter } from '../../src/converter/avro/avro-converter.ts';

export const ORIGIN: EnvelopeOrigin = { version: '0.1.0', name: 'srv', database: 'shop' };
export const NOW = 1_795_000_000_123;
export const TRANSACTION = { xid: 771, commitLsn: 0x12_3456_7890, commitTimeUs: 1_795_000_000_000_456 };

/** A cell: text, SQL NULL, or not sent. */
export type Cell = string | null | undefined;

/** A column of type `pg_catalog.<type>` unless the type says its schema. */
export function column(name: string, type: string, options: Partial<Column> & { modifier?: number } = {}): Column {
  const qualified = type.includes('.') ? type : `pg_catalog.${type}`;
  const { modifier = -1, ...rest } = options;
  return {
    name,
    attnum: 1,
    type: {
      oid: 1,
      name: qualified,
      declared: type,
      modifier,
      kind: type.startsWith('_') ? 'array' : 'base',
      base: qualified,
      baseModifier: modifier,
    },
    nullable: true,
    ...rest,
  };
}

export function numericModifier(precision: number, scale: number): number {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

export function table(columns: readonly Column[], options: Partial<TableSchema> = {}): TableSchema {
  return {
    relationId: 1,
    version: 1,
    schema: 'public',
    name: 'orders',
    columns,
    key: [0],
    identity: 'full',
    ...options,
  };
}

/** Schemas in memory, ids from 1. */
export function memoryStore(): SchemaStore & { readonly texts: string[] } {
  const texts: string[] = [];
  return {
    texts,
    register(_subject, schema) {
      const known = texts.indexOf(schema);
      return Promise.resolve(known >= 0 ? known + 1 : texts.push(schema));
    },
    byId: (id) => Promise.resolve(texts[id - 1] as string),
  };
}

export function avroConverter(store: SchemaStore, transactionBlock = false): Converter {
  return createAvroConverter(store, ORIGIN, { clock: { now: () => NOW }, transactionBlock });
}

/** Everything needed to send rows of one table version there and back. */
export interface Path {
  readonly table: TableSchema;
  readonly encoder: RowEncoder;
  readonly decoder: RowDecoder;
  readonly keySchema: string;
  readonly valueSchema: string;
}

export async function path(schema: TableSchema, topic = 'srv.public.orders'): Promise<Path> {
  const store = memoryStore();
  const converter = avroConverter(store);
  const { signal } = new AbortController();
  const encoder = await converter.encoder(schema, topic, signal);
  const id = store.texts.length;
  const decoder = await converter.decoder(id, schema, topic, signal);
  const [valueSchema = '', keySchema = ''] = [...store.texts].reverse();
  return { table: schema, encoder, decoder, keySchema, valueSchema };
}

export function addRow(batch: Batch, row: readonly Cell[]): number {
  const first = batch.cellCount;
  for (const cell of row) {
    if (cell === null) batch.addCell(0, NULL);
    else if (cell === undefined) batch.addCell(0, UNCHANGED);
    else {
      const bytes = Buffer.from(cell);
      batch.copyCell(bytes, 0, bytes.length);
    }
  }
  return first;
}

export function cellsOf(batch: Batch, row: number, columns: number): Cell[] {
  return Array.from({ length: columns }, (_, i) => {
    const start = batch.cells[2 * (row + i)] as number;
    const end = batch.cells[2 * (row + i) + 1] as number;
    if (end === NULL) return null;
    return end === UNCHANGED ? undefined : batch.bytes.toString('utf8', start, end);
  });
}

export interface Encoded {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly exact: Buffer;
}

/** Encodes a change with these rows. */
export function encode(
  encoder: RowEncoder,
  op: WireOp,
  before: readonly Cell[] | undefined,
  after: readonly Cell[] | undefined,
  transaction: typeof TRANSACTION = TRANSACTION,
): Encoded {
  const batch = new Batch(1, 1, 16);
  batch.transactions.push(transaction);
  const first = before === undefined ? -1 : addRow(batch, before);
  const second = after === undefined ? -1 : addRow(batch, after);
  batch.tables.push(encoder.table);
  batch.addChange(Op.update, 0, 0, 0x12_3456_7800, first, second);
  const key = new ByteWriter(1);
  if (encoder.hasKey) encoder.key(batch, second >= 0 ? second : first, key);
  const value = new ByteWriter(1);
  encoder.value(batch, 0, op, first, second, value);
  return {
    key: encoder.hasKey ? Buffer.from(key.view()) : null,
    value: Buffer.from(value.view()),
    exact: Buffer.from(encoder.exact.view()),
  };
}

/** Decodes a value that stands somewhere inside larger bytes, as in a fetched record. */
export function decode(
  decoder: RowDecoder,
  columns: number,
  value: Buffer,
  exact: Buffer,
): { before: Cell[] | undefined; after: Cell[] | undefined } {
  const bytes = Buffer.concat([Buffer.of(9, 9), value, Buffer.of(9), exact, Buffer.of(9)]);
  const batch = new Batch(1, 1, 4);
  addRow(batch, ['before']);
  const exactStart = 3 + value.length;
  decoder.decode(bytes, 2, 2 + value.length, exactStart, exactStart + exact.length, batch);
  return {
    before: decoder.before < 0 ? undefined : cellsOf(batch, decoder.before, columns),
    after: decoder.after < 0 ? undefined : cellsOf(batch, decoder.after, columns),
  };
}
