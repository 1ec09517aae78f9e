import type { Column, ColumnType, TableSchema } from '../../change/table-schema.ts';
import { DEFAULT_MODES, type FieldModes, type TimePrecision } from './modes.ts';
import { avroNames } from './name.ts';

/** How a column's text is carried in Avro; docs/decisions/0004-avro-mapping.md has the table. */
export type FieldKind =
  | 'boolean'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'oid'
  | 'float32'
  | 'float64'
  | 'decimal'
  | 'variable-decimal'
  | 'string'
  | 'bytes'
  | 'date'
  | 'time-ms'
  | 'time-us'
  | 'timestamp-ms'
  | 'timestamp-us'
  | 'zoned-timestamp'
  | 'json'
  | 'uuid'
  | 'xml'
  | 'enum'
  | 'numeric-double'
  | 'money'
  | 'money-double'
  | 'money-string'
  | 'connect-date'
  | 'connect-time'
  | 'connect-timestamp'
  | 'time-ns'
  | 'timestamp-ns'
  | 'iso-date'
  | 'iso-time'
  | 'iso-timestamp'
  | 'zoned-time'
  | 'interval-us'
  | 'interval-iso'
  | 'base64'
  | 'base64-url-safe'
  | 'hex'
  | 'hstore-json'
  | 'hstore-map'
  | 'text';

/** One column as a field of an Avro record. */
export interface Field {
  readonly name: string;
  readonly column: Column;
  readonly kind: FieldKind;
  readonly optional: boolean;
  /** Of a decimal: its digits. */
  readonly precision: number;
  /** Digits behind the point: of a decimal (may be negative), or of a time's seconds. */
  readonly scale: number;
}

/** A table's columns as fields, in their order. */
export function fieldsOf(table: TableSchema, modes: FieldModes = DEFAULT_MODES): Field[] {
  const names = avroNames(
    table.columns.map((column) => column.name),
    modes.fieldNames,
  );
  return table.columns.map((column, i) => fieldOf(column, names[i] as string, modes));
}

function fieldOf(column: Column, name: string, modes: FieldModes): Field {
  const { baseModifier } = column.type;
  const kind = kindOf(column.type, modes);
  const optional = column.nullable || column.generated !== undefined;
  if (kind === 'decimal') return { name, column, kind, optional, ...decimalDigits(baseModifier) };
  if (kind === 'money') return { name, column, kind, optional, precision: MONEY_PRECISION, scale: modes.moneyDigits };
  return { name, column, kind, optional, precision: 0, scale: baseModifier < 0 ? 6 : baseModifier };
}

/** The digits that numeric's modifier admits; PostgreSQL 15 and later keep the scale as 11 bits with sign. */
export function decimalDigits(modifier: number): { readonly precision: number; readonly scale: number } {
  const packed = modifier - 4;
  return { precision: (packed >>> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
}

/** What Confluent's AvroConverter says of a decimal without a precision. */
const MONEY_PRECISION = 64;

const KINDS: Readonly<Record<string, FieldKind>> = {
  bool: 'boolean',
  int2: 'int16',
  int4: 'int32',
  int8: 'int64',
  oid: 'oid',
  float4: 'float32',
  float8: 'float64',
  text: 'string',
  varchar: 'string',
  bpchar: 'string',
  char: 'string',
  name: 'string',
  timestamptz: 'zoned-timestamp',
  timetz: 'zoned-time',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
  xml: 'xml',
};

function kindOf(type: ColumnType, modes: FieldModes): FieldKind {
  if (type.labels !== undefined && type.kind !== 'array') return 'enum';
  const { schema, name } = splitName(type.base);
  if (type.kind === 'base' || type.kind === 'domain') {
    if (name === 'citext') return 'string';
    if (name === 'hstore') return modes.hstore === 'json' ? 'hstore-json' : 'hstore-map';
  }
  if (schema !== 'pg_catalog') return 'text';
  switch (name) {
    case 'numeric':
      if (modes.decimal !== 'precise') return modes.decimal === 'double' ? 'numeric-double' : 'string';
      return type.baseModifier < 4 ? 'variable-decimal' : 'decimal';
    case 'money':
      return modes.decimal === 'precise' ? 'money' : `money-${modes.decimal}`;
    case 'interval':
      return modes.interval === 'numeric' ? 'interval-us' : 'interval-iso';
    case 'bytea':
      return modes.binary;
    case 'date':
    case 'time':
    case 'timestamp':
      return TIMES[modes.time](name, type.baseModifier >= 0 && type.baseModifier <= 3);
    default:
      return (Object.hasOwn(KINDS, name) ? KINDS[name] : undefined) ?? 'text';
  }
}

type Time = 'date' | 'time' | 'timestamp';

/** By mode: how a type is carried; `isShort` for a column of milliseconds or less. */
const TIMES: Readonly<Record<TimePrecision, (type: Time, isShort: boolean) => FieldKind>> = {
  adaptive: (type, isShort) => (type === 'date' ? 'date' : `${type}-${isShort ? 'ms' : 'us'}`),
  adaptive_time_microseconds: (type, isShort) =>
    type === 'date' ? 'date' : `${type}-${isShort && type === 'timestamp' ? 'ms' : 'us'}`,
  connect: (type) => `connect-${type}`,
  isostring: (type) => `iso-${type}`,
  microseconds: (type) => (type === 'date' ? 'date' : `${type}-us`),
  nanoseconds: (type) => (type === 'date' ? 'date' : `${type}-ns`),
};

/** `pg_catalog."varchar"` -> pg_catalog, varchar: type names that are keywords arrive quoted. */
function splitName(qualified: string): { schema: string; name: string } {
  const [schema = '', name = ''] = qualified.match(/"(?:[^"]|"")*"|[^.]+/g) ?? [];
  return { schema: unquoted(schema), name: unquoted(name) };
}

function unquoted(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}
