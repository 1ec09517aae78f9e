import { ByteWriter } from '../../change/byte-writer.ts';
import { decimalWriter, variableDecimalWriter } from './decimal-writer.ts';
import type { Field, FieldKind } from './field.ts';
import { type CellWriter, floatWriter, integerWriter, longWriter, writeBoolean } from './number-writer.ts';
import { writeBytes, writeText } from './text-writer.ts';
import { timestampWriter, timeWriter, writeDate, zonedTimestampWriter } from './time-writer.ts';

/** What Debezium writes for a TOAST value that was not sent, where the type is a string or bytes. */
export const PLACEHOLDER = '__debezium_unavailable_value';

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
      return writeDate;
    case 'time-ms':
      return timeWriter(1000);
    case 'time-us':
      return timeWriter(1);
    case 'timestamp-ms':
      return timestampWriter(1000);
    case 'timestamp-us':
      return timestampWriter(1);
    case 'zoned-timestamp':
      return zonedTimestampWriter(field.scale);
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

/** The Avro bytes of the type's zero: what a field that cannot be null holds when there is nothing that it can carry. */
export function zeroOf(field: Field): Buffer {
  const text = ZEROS[field.kind];
  const zero = field.kind === 'decimal' && field.scale > 0 ? `0.${'0'.repeat(field.scale)}` : text;
  return written(field, zero);
}

/**
 * The Avro bytes of Debezium's placeholder, where the type is a string or bytes; undefined elsewhere.
 * @see https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-toasted-values
 */
export function placeholderOf(field: Field): Buffer | undefined {
  const text = placeholderText(field.kind);
  return text === undefined
    ? undefined
    : written({ ...field, kind: field.kind === 'bytes' ? 'bytes' : 'string' }, text);
}

const STRINGS: ReadonlySet<FieldKind> = new Set(['string', 'json', 'xml', 'text', 'uuid', 'enum']);
const BYTES_PLACEHOLDER = `\\x${Buffer.from(PLACEHOLDER).toString('hex')}`;

/** The Postgres text that the placeholder would be if it were a value; undefined where there is no placeholder. */
export function placeholderText(kind: FieldKind): string | undefined {
  if (kind === 'bytes') return BYTES_PLACEHOLDER;
  return STRINGS.has(kind) ? PLACEHOLDER : undefined;
}

function written(field: Field, text: string): Buffer {
  const out = new ByteWriter(64);
  const bytes = Buffer.from(text);
  if (!cellWriter(field)(bytes, 0, bytes.length, out)) throw new Error(`Kind ${field.kind} cannot carry its zero`);
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
};
