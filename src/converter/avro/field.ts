import type { Column, ColumnType, TableSchema } from '../../change/table-schema.ts';
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
export function fieldsOf(table: TableSchema): Field[] {
  const names = avroNames(table.columns.map((column) => column.name));
  return table.columns.map((column, i) => fieldOf(column, names[i] as string));
}

function fieldOf(column: Column, name: string): Field {
  const { baseModifier } = column.type;
  const kind = kindOf(column.type);
  const optional = column.nullable || column.generated !== undefined;
  if (kind === 'decimal') {
    const packed = baseModifier - 4;
    // PostgreSQL 15 and later keep the scale as 11 bits with sign.
    const scale = ((packed & 0x7ff) ^ 1024) - 1024;
    return { name, column, kind, optional, precision: (packed >>> 16) & 0xffff, scale };
  }
  return { name, column, kind, optional, precision: 0, scale: baseModifier < 0 ? 6 : baseModifier };
}

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
  bytea: 'bytes',
  date: 'date',
  timestamptz: 'zoned-timestamp',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
  xml: 'xml',
};

function kindOf(type: ColumnType): FieldKind {
  if (type.labels !== undefined && type.kind !== 'array') return 'enum';
  const { schema, name } = splitName(type.base);
  if (name === 'citext' && type.kind === 'base') return 'string';
  if (schema !== 'pg_catalog') return 'text';
  switch (name) {
    case 'numeric':
      return type.baseModifier < 4 ? 'variable-decimal' : 'decimal';
    case 'time':
      return isMilliseconds(type) ? 'time-ms' : 'time-us';
    case 'timestamp':
      return isMilliseconds(type) ? 'timestamp-ms' : 'timestamp-us';
    default:
      return (Object.hasOwn(KINDS, name) ? KINDS[name] : undefined) ?? 'text';
  }
}

/** Debezium's `time.precision.mode=adaptive`: three digits or fewer are carried as milliseconds. */
function isMilliseconds(type: ColumnType): boolean {
  return type.baseModifier >= 0 && type.baseModifier <= 3;
}

/** `pg_catalog."varchar"` -> pg_catalog, varchar: type names that are keywords arrive quoted. */
function splitName(qualified: string): { schema: string; name: string } {
  const [schema = '', name = ''] = qualified.match(/"(?:[^"]|"")*"|[^.]+/g) ?? [];
  return { schema: unquoted(schema), name: unquoted(name) };
}

function unquoted(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}
