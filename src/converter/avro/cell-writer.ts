import { ByteWriter } from '../../change/byte-writer.ts';
import { binaryWriter } from './binary-text.ts';
import { bigWriter, stringWriter } from './converting.ts';
import { decimalWriter, variableDecimalWriter } from './decimal-writer.ts';
import type { Field, FieldKind } from './field.ts';
import { HSTORE_JSON, writeHstoreMap } from './hstore.ts';
import { ISO_INTERVAL, MICRO_DURATION } from './interval.ts';
import {
  FLOORED_TIME,
  FLOORED_TIMESTAMP,
  ISO_DATE,
  ISO_TIME,
  ISO_TIMESTAMP,
  NANO_TIME,
  NANO_TIMESTAMP,
  ZONED_TIME,
} from './iso-time.ts';
import { PLACEHOLDER } from './modes.ts';
import { approximateMoneyWriter, MONEY_STRING, moneyDoubleWriter, moneyWriter } from './money.ts';
import {
  approximateDoubleWriter,
  type CellWriter,
  floatWriter,
  integerWriter,
  longWriter,
  writeBoolean,
} from './number-writer.ts';
import { writeBytes, writeText } from './text-writer.ts';
import { timestampWriter, timeWriter, writeDate, zonedTimestampWriter } from './time-writer.ts';

/** The writer of a field's Postgres text. */
export function cellWriter(field: Field): CellWriter {
  switch (field.kind) {
    case 'boolean':
      return writeBoolean;
    case 'int16':
      return integerWriter(-0x8000, 0x7fff);
    case 'int32':
      return integerWriter(-0x8000_0000, 0x7fff_ffff);
    case 'oid':
      return integerWriter(0, 0xffff_ffff);
    case 'int64':
      return longWriter();
    case 'float32':
      return floatWriter(true);
    case 'float64':
      return floatWriter(false);
    case 'decimal':
      return decimalWriter(field.precision, field.scale);
    case 'variable-decimal':
      return variableDecimalWriter();
    case 'bytes':
      return writeBytes;
    case 'date':
    case 'connect-date':
      return writeDate;
    case 'time-ms':
    case 'connect-time':
      return timeWriter(1000);
    case 'time-us':
      return timeWriter(1);
    case 'timestamp-ms':
    case 'connect-timestamp':
      return timestampWriter(1000);
    case 'timestamp-us':
      return timestampWriter(1);
    case 'zoned-timestamp':
      return zonedTimestampWriter(field.scale);
    case 'numeric-double':
      return floatWriter(false);
    case 'money':
      return moneyWriter(field.scale);
    case 'money-double':
      return moneyDoubleWriter(false);
    case 'time-ns':
      return bigWriter(NANO_TIME, false);
    case 'timestamp-ns':
      return bigWriter(NANO_TIMESTAMP, false);
    case 'interval-us':
      return bigWriter(MICRO_DURATION, false);
    case 'base64':
    case 'base64-url-safe':
    case 'hex':
      return binaryWriter(field.kind);
    case 'hstore-map':
      return writeHstoreMap;
    case 'money-string':
    case 'iso-date':
    case 'iso-time':
    case 'iso-timestamp':
    case 'zoned-time':
    case 'interval-iso':
    case 'hstore-json':
      return stringWriter(STRINGS[field.kind]);
    case 'string':
    case 'json':
    case 'uuid':
    case 'xml':
    case 'enum':
    case 'text':
      return writeText;
    default:
      return field.kind satisfies never;
  }
}

const STRINGS = {
  'money-string': MONEY_STRING,
  'iso-date': ISO_DATE,
  'iso-time': ISO_TIME,
  'iso-timestamp': ISO_TIMESTAMP,
  'zoned-time': ZONED_TIME,
  'interval-iso': ISO_INTERVAL,
  'hstore-json': HSTORE_JSON,
} as const;

/** The writer of what comes nearest to a text that the field cannot carry, where a mode asks for that; undefined: it holds nothing then. */
export function approximateWriter({ kind, scale }: Field): CellWriter | undefined {
  if (kind === 'numeric-double') return approximateDoubleWriter;
  if (kind === 'money') return approximateMoneyWriter(scale);
  if (kind === 'money-double') return moneyDoubleWriter(true);
  if (kind === 'connect-time') return bigWriter(FLOORED_TIME, true);
  if (kind === 'connect-timestamp') return bigWriter(FLOORED_TIMESTAMP, true);
  return kind === 'interval-us' ? bigWriter(MICRO_DURATION, true) : undefined;
}

/** The Avro bytes of the type's zero: what a field that cannot be null holds when there is nothing that it can carry. */
export function zeroOf(field: Field): Buffer {
  const text = ZEROS[field.kind];
  const zero = field.kind === 'decimal' && field.scale > 0 ? `0.${'0'.repeat(field.scale)}` : text;
  return written(field, zero);
}

/**
 * The Avro bytes that stand for a value that was not sent, where the type is a string, bytes or hstore; undefined elsewhere.
 * @see https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-toasted-values
 */
export function placeholderOf(field: Field, placeholder: Buffer): Buffer | undefined {
  const { kind } = field;
  if (PLAIN_STRINGS.has(kind)) return written({ ...field, kind: 'string' }, placeholder);
  if (BINARIES.has(kind)) return written(field, `\\x${placeholder.toString('hex')}`);
  if (kind !== 'hstore-json' && kind !== 'hstore-map') return undefined;
  const quoted = `"${placeholder.toString().replaceAll(/["\\]/g, '\\$&')}"`;
  return written(field, `${quoted}=>${quoted}`);
}

const BINARIES: ReadonlySet<FieldKind> = new Set(['bytes', 'base64', 'base64-url-safe', 'hex']);
const PLAIN_STRINGS: ReadonlySet<FieldKind> = new Set(['string', 'json', 'xml', 'text', 'uuid', 'enum']);
const BYTES_PLACEHOLDER = `\\x${Buffer.from(PLACEHOLDER).toString('hex')}`;

/** The Postgres text that a reader takes for "not sent", if it were a value; undefined where there is none. */
export function placeholderText(kind: FieldKind): string | undefined {
  if (kind === 'bytes') return BYTES_PLACEHOLDER;
  return PLAIN_STRINGS.has(kind) ? PLACEHOLDER : undefined;
}

function written(field: Field, text: string | Buffer): Buffer {
  const out = new ByteWriter(64);
  const bytes = Buffer.from(text);
  const write = approximateWriter(field) ?? cellWriter(field);
  if (!write(bytes, 0, bytes.length, out)) throw new Error(`Kind ${field.kind} cannot carry its zero`);
  return Buffer.from(out.view());
}

const ZEROS: Readonly<Record<FieldKind, string>> = {
  boolean: 'f',
  int16: '0',
  int32: '0',
  int64: '0',
  oid: '0',
  float32: '0',
  float64: '0',
  decimal: '0',
  'variable-decimal': '0',
  string: '',
  bytes: '\\x',
  date: '1970-01-01',
  'time-ms': '00:00:00',
  'time-us': '00:00:00',
  'timestamp-ms': '1970-01-01 00:00:00',
  'timestamp-us': '1970-01-01 00:00:00',
  'zoned-timestamp': '1970-01-01 00:00:00+00',
  json: '{}',
  uuid: '00000000-0000-0000-0000-000000000000',
  xml: '',
  enum: '',
  text: '',
  'numeric-double': '0',
  money: '$0.00',
  'money-double': '$0.00',
  'money-string': '$0.00',
  'connect-date': '1970-01-01',
  'connect-time': '00:00:00',
  'connect-timestamp': '1970-01-01 00:00:00',
  'time-ns': '00:00:00',
  'timestamp-ns': '1970-01-01 00:00:00',
  'iso-date': '1970-01-01',
  'iso-time': '00:00:00',
  'iso-timestamp': '1970-01-01 00:00:00',
  'zoned-time': '00:00:00+00',
  'interval-us': '00:00:00',
  'interval-iso': '00:00:00',
  base64: '\\x',
  'base64-url-safe': '\\x',
  hex: '\\x',
  'hstore-json': '',
  'hstore-map': '',
};
