import { isUtf8 } from 'node:buffer';
import { Batch, Op, UNCHANGED } from '../../../src/change/batch.ts';
import { ByteWriter } from '../../../src/change/byte-writer.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { createAvroConverter } from '../../../src/converter/avro/avro-converter.ts';
import { createAvroDecoder } from '../../../src/converter/avro/decode.ts';
import { DEFAULT_MODES, type FieldModes } from '../../../src/converter/avro/modes.ts';
import { validSchema } from '../../../src/converter/avro/valid-schema.ts';
import { envelopeViewer, keyViewer } from '../../../src/converter/avro/view.ts';
import { describeError } from '../../../src/errors.ts';
import { type RowDecoder, type RowEncoder, WireOp } from '../../../src/converter/converter.ts';
import {
  addRow,
  type Cell,
  cellsOf,
  column,
  encode,
  memoryStore,
  NOW,
  numericModifier,
  ORIGIN,
  path,
  TRANSACTION,
  table,
} from '../../converter/fixture.ts';
import { mutateJson } from '../mutate-json.ts';
import { isRefusal, type Target } from '../target.ts';

/** A column of each way in which values are written, with a value of it. */
const VALUES: readonly (readonly [type: string, modifier: number, text: string])[] = [
  ['int8', -1, '9223372036854775807'],
  ['bool', -1, 't'],
  ['int2', -1, '-5'],
  ['int4', -1, '2147483647'],
  ['oid', -1, '4294967295'],
  ['float4', -1, '1.5'],
  ['float8', -1, '-2.5e-300'],
  ['numeric', numericModifier(30, 4), '12345678901234567.1234'],
  ['numeric', -1, '1.10'],
  ['text', -1, 'some text'],
  ['bytea', -1, '\\x0102ff'],
  ['date', -1, '2024-01-01'],
  ['time', -1, '12:00:00.5'],
  ['timetz', -1, '12:00:00+02'],
  ['timestamp', -1, '2024-01-01 12:00:00.123456'],
  ['timestamp', 3, '9999-01-01 12:00:00'],
  ['timestamptz', -1, '2024-01-01 12:00:00+00'],
  ['interval', -1, '1 year 2 mons -3 days +04:05:06.789'],
  ['money', -1, '$1,234.56'],
  ['public.hstore', -1, '"a"=>"1", "b"=>NULL'],
  ['jsonb', -1, '{"a": [1, null]}'],
  ['uuid', -1, '00000000-0000-0000-0000-000000000001'],
  ['_text', -1, '{a,"b c",NULL}'],
  ['tstzrange', -1, '["2024-01-01 00:00:00+00",)'],
  ['bit', 3, '101'],
  ['inet', -1, '10.0.0.1/8'],
];

const TABLE: TableSchema = table(
  VALUES.map(([type, modifier], i) => column(`c${i}`, type, { modifier, nullable: i % 2 === 1 })),
);
const ROW: readonly Cell[] = VALUES.map(([, , text]) => text);

/** An input begins with the length of the header beside the value, which is at its end. */
const HEADER_AT = 2;

const MODES: readonly Partial<FieldModes>[] = [
  {},
  { decimal: 'double', time: 'connect', interval: 'numeric', binary: 'hex', hstore: 'map' },
  { decimal: 'string', time: 'isostring', binary: 'base64', moneyDigits: 0 },
  { time: 'nanoseconds', binary: 'base64-url-safe', moneyDigits: 4 },
  { time: 'microseconds' },
  { time: 'adaptive_time_microseconds' },
];

let known: { readonly decoder: RowDecoder; readonly inputs: readonly Buffer[]; readonly schema: string } | undefined;

async function envelope(): Promise<NonNullable<typeof known>> {
  if (known !== undefined) return known;
  const { encoder, decoder, valueSchema } = await path(TABLE);
  const rows = [ROW, ROW.with(7, 'NaN').with(8, undefined).with(11, 'infinity').with(9, '')];
  const inputs = rows.flatMap((row) => [
    framed(encode(encoder, WireOp.update, row, row)),
    framed(encode(encoder, WireOp.create, undefined, row)),
    framed(encode(encoder, WireOp.delete, row, undefined)),
  ]);
  known = { decoder, inputs, schema: valueSchema };
  return known;
}

export const AVRO_TARGETS: readonly Target[] = [
  {
    name: 'avro-values',
    reads: 'values in the schema that their id names, and the header beside them',
    corpus: async () => (await envelope()).inputs,
    run: (input) => {
      if (known) decode(known.decoder, input);
    },
  },
  {
    name: 'avro-schemas',
    reads: 'schemas from a registry, and values that claim to be written with them',
    corpus: async () => {
      const { schema, inputs } = await envelope();
      return [
        withSchema(schema, (inputs[0] as Buffer).subarray(HEADER_AT + 5)),
        ...FOREIGN.map(([text, value]) => withSchema(JSON.stringify(text), Buffer.from(value, 'hex'))),
      ];
    },
    mutate: (input, random) => {
      const end = schemaEnd(input);
      const schema = mutateJson(input.subarray(4, end), random, 0, [input.subarray(4, end)]);
      return withSchema(schema.toString(), input.subarray(end));
    },
    run: readWithSchema,
  },
  {
    name: 'cell-texts',
    reads: 'texts of values of each type and mode, written and read back as they were',
    corpus: async () => {
      await encoders();
      return VALUES.flatMap(([, , text], i) =>
        MODES.map((_, mode) => Buffer.concat([Buffer.of(i, mode), Buffer.from(text)])),
      );
    },
    mutate: (input, random) =>
      Buffer.concat([Buffer.of(random.below(VALUES.length), random.below(MODES.length)), input.subarray(2)]),
    run: thereAndBack,
  },
];

function framed({ value, exact }: { readonly value: Buffer; readonly exact: Buffer }): Buffer {
  const size = Buffer.alloc(HEADER_AT);
  size.writeUInt16BE(exact.length);
  return Buffer.concat([size, value, exact]);
}

function decode(decoder: RowDecoder, input: Buffer): void {
  if (input.length < HEADER_AT) return;
  const batch = new Batch(1, 8, 64);
  addRow(batch, ['kept']);
  const exactAt = Math.max(HEADER_AT, input.length - input.readUInt16BE(0));
  decoder.decode(input, HEADER_AT, exactAt, exactAt, input.length, batch);
  for (const row of [decoder.before, decoder.after]) if (row >= 0) cellsOf(batch, row, TABLE.columns.length);
}

const field = (name: string, type: unknown): object => ({ name, type });
const record = (name: string, ...fields: object[]): object => ({ type: 'record', name, fields });

/** Schemas of other shapes than ours, and values in hexadecimal digits. */
const FOREIGN: readonly (readonly [schema: object, value: string])[] = [
  [record('E', field('before', ['null', record('V', field('c0', 'int'))]), field('after', ['null', 'V'])), '02020204'],
  [
    record(
      'E',
      field('a', { type: 'array', items: 'null' }),
      field('m', { type: 'map', values: ['null', 'string'] }),
      field('after', record('V', field('c3', 'int'))),
    ),
    '0a00020262020263000e',
  ],
  [
    record(
      'E',
      field('f', { type: 'fixed', name: 'F', size: 4 }),
      field('e', { type: 'enum', name: 'X', symbols: ['A', 'B'] }),
      field('after', record('V', field('c1', 'boolean'))),
    ),
    '010203040201',
  ],
  [record('K', field('c0', 'long'), field('c9', ['string', 'null'])), '02000261'],
];

function withSchema(schema: string, value: Buffer): Buffer {
  const text = Buffer.from(schema);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(text.length);
  return Buffer.concat([size, text, value]);
}

function schemaEnd(input: Buffer): number {
  return input.length < 4 ? input.length : Math.min(input.length, 4 + input.readUInt32BE(0));
}

function readWithSchema(input: Buffer): void {
  const end = schemaEnd(input);
  const schema = validSchema(input.toString('utf8', 4, end), 'Schema 1');
  const value = Buffer.concat([Buffer.of(0, 0, 0, 0, 1), input.subarray(end)]);
  const row = new Batch(1, 8, 64);
  eachOf([
    () => createAvroDecoder(1, schema, TABLE).decode(value, 0, value.length, value.length, value.length, row),
    () => void envelopeViewer(1, schema)(value, Buffer.alloc(0)),
    () => void keyViewer(1, schema)(value),
  ]);
}

/** Does each of them; throws a bug of any of them, or else what one of them refuses. */
function eachOf(readers: readonly (() => void)[]): void {
  const refusals: unknown[] = [];
  for (const read of readers) {
    try {
      read();
    } catch (error) {
      if (!isRefusal(error, undefined)) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length === readers.length) throw refusals[0];
}

interface Way {
  readonly encoder: RowEncoder;
  readonly decoder: RowDecoder;
}

/** By type and mode. */
let ways: readonly (readonly Way[])[] = [];

async function encoders(): Promise<void> {
  if (ways.length > 0) return;
  ways = await Promise.all(
    VALUES.map(([type, modifier]) => Promise.all(MODES.map((modes) => wayOf(type, modifier, modes)))),
  );
}

async function wayOf(type: string, modifier: number, modes: Partial<FieldModes>): Promise<Way> {
  const store = memoryStore();
  const all = { ...DEFAULT_MODES, ...modes };
  const converter = createAvroConverter(store, ORIGIN, { clock: { now: () => NOW }, modes: all });
  const version = table([column('id', 'int4', { nullable: false }), column('v', type, { modifier })]);
  const { signal } = new AbortController();
  const encoder = await converter.encoder(version, 'srv.public.orders', signal);
  return { encoder, decoder: await converter.decoder(store.texts.length, version, 'srv.public.orders', signal) };
}

/** What was written here can be read: a refusal is as bad as a crash. */
function readBack({ decoder }: Way, bytes: Buffer, end: number, read: Batch): void {
  try {
    decoder.decode(bytes, 0, end, end, bytes.length, read);
  } catch (cause) {
    throw new TypeError(`What was written is refused: ${describeError(cause)}`, { cause });
  }
}

/** Whatever stands in a cell: a replica gets the same bytes. */
function thereAndBack(input: Buffer): void {
  const way = ways[(input[0] ?? 0) % VALUES.length]?.[(input[1] ?? 0) % MODES.length];
  // The server sends valid UTF-8 and nothing else (Invariant 10).
  if (way === undefined || input.length < 2 || !isUtf8(input.subarray(2))) return;
  const batch = new Batch(1, 4, 64);
  batch.transactions.push(TRANSACTION);
  batch.tables.push(way.encoder.table);
  batch.copyCell(Buffer.from('1'), 0, 1);
  batch.copyCell(input, 2, input.length);
  batch.addChange(Op.insert, 0, 0, 1, -1, 0);
  const value = new ByteWriter(1);
  way.encoder.value(batch, 0, WireOp.create, -1, 0, value);
  const { exact } = way.encoder;
  const bytes = Buffer.concat([value.view(), exact.view()]);
  const end = value.view().length;
  const read = new Batch(1, 4, 64);
  readBack(way, bytes, end, read);
  const cell = 2 * (way.decoder.after + 1);
  const back = read.bytes.subarray(read.cells[cell] as number, Math.max(0, read.cells[cell + 1] as number));
  if (read.cells[cell + 1] !== UNCHANGED && !back.equals(input.subarray(2)))
    throw new TypeError('The text was changed on its way');
}
