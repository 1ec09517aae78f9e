import type { Column, TableSchema } from '../../change/table-schema.ts';
import { type Field, type FieldKind, fieldsOf } from './field.ts';
import { avroNamespace } from './name.ts';

/** An Avro schema as JSON has it. */
export type AvroSchema = string | AvroSchema[] | { readonly [property: string]: unknown };

/** Name of the parameter by which a field says its column's own name, as Debezium's source type propagation writes it. */
export const COLUMN_NAME_PARAMETER = '__debezium.source.column.name';
/** Semantic name of a string that is the exact text of a type without a mapping of its own. */
export const TEXT_NAME = 'io.rowcast.data.Text';

/**
 * The key schema of a table's records, `<topic>.Key`; undefined for a table without key. The fields stand in key order.
 * @see https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-change-events-key
 */
export function keySchema(table: TableSchema, topic: string): AvroSchema | undefined {
  if (table.key.length === 0) return undefined;
  const fields = fieldsOf(table);
  const namespace = avroNamespace(topic);
  return {
    type: 'record',
    name: 'Key',
    namespace,
    fields: fieldTypes(table.key.map((ordinal) => fields[ordinal] as Field)),
    'connect.name': `${namespace}.Key`,
  };
}

/**
 * The value schema of a table's records, `<topic>.Envelope`, as Debezium 3.6 and Confluent's AvroConverter write it, field
 * for field; only columns' defaults are left out (docs/decisions/0004-avro-mapping.md).
 * @see https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-create-events
 */
export function valueSchema(table: TableSchema, topic: string): AvroSchema {
  const namespace = avroNamespace(topic);
  const value = {
    type: 'record',
    name: 'Value',
    fields: fieldTypes(fieldsOf(table)),
    'connect.name': `${namespace}.Value`,
  };
  return {
    type: 'record',
    name: 'Envelope',
    namespace,
    fields: [
      optional('before', value),
      optional('after', 'Value'),
      { name: 'source', type: SOURCE },
      optional('transaction', TRANSACTION),
      { name: 'op', type: 'string' },
      optional('ts_ms', 'long'),
      optional('ts_us', 'long'),
      optional('ts_ns', 'long'),
    ],
    'connect.version': 2,
    'connect.name': `${namespace}.Envelope`,
  };
}

const SNAPSHOT: AvroSchema = {
  type: 'string',
  'connect.version': 1,
  'connect.parameters': {
    allowed: 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental',
  },
  'connect.default': 'false',
  'connect.name': 'io.debezium.data.Enum',
};

const SOURCE: AvroSchema = {
  type: 'record',
  name: 'Source',
  namespace: 'io.debezium.connector.postgresql',
  fields: [
    { name: 'version', type: 'string' },
    { name: 'connector', type: 'string' },
    { name: 'name', type: 'string' },
    { name: 'ts_ms', type: 'long' },
    { name: 'snapshot', type: [SNAPSHOT, 'null'], default: 'false' },
    { name: 'db', type: 'string' },
    optional('sequence', 'string'),
    optional('ts_us', 'long'),
    optional('ts_ns', 'long'),
    { name: 'schema', type: 'string' },
    { name: 'table', type: 'string' },
    optional('txId', 'long'),
    optional('lsn', 'long'),
    optional('xmin', 'long'),
    optional('origin', 'string'),
    optional('origin_lsn', 'long'),
  ],
  'connect.version': 1,
  'connect.name': 'io.debezium.connector.postgresql.Source',
};

const TRANSACTION: AvroSchema = {
  type: 'record',
  name: 'block',
  namespace: 'event',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'total_order', type: 'long' },
    { name: 'data_collection_order', type: 'long' },
  ],
  'connect.version': 1,
  'connect.name': 'event.block',
};

function optional(name: string, type: AvroSchema): AvroSchema {
  return { name, type: ['null', type], default: null };
}

/** The fields of a row or key; VariableScaleDecimal is defined where it first appears, as Avro demands. */
function fieldTypes(fields: readonly Field[]): AvroSchema[] {
  let decimalDefined = false;
  return fields.map((field) => {
    const parameters = columnParameters(field);
    const isDecimal = field.kind === 'variable-decimal';
    const type = isDecimal
      ? decimalDefined
        ? VARIABLE_DECIMAL['connect.name']
        : VARIABLE_DECIMAL
      : columnType(field, parameters);
    decimalDefined ||= isDecimal;
    const base = field.optional ? optional(field.name, type as AvroSchema) : { name: field.name, type };
    // A named type stands once for all its columns: what belongs to the column stands beside it.
    return isDecimal ? { ...(base as object), 'connect.parameters': parameters } : base;
  });
}

const VARIABLE_DECIMAL = {
  type: 'record',
  name: 'VariableScaleDecimal',
  namespace: 'io.debezium.data',
  fields: [
    { name: 'scale', type: 'int' },
    { name: 'value', type: 'bytes' },
  ],
  'connect.doc': 'Variable scaled decimal',
  'connect.version': 1,
  'connect.name': 'io.debezium.data.VariableScaleDecimal',
} as const;

type Parameters = Readonly<Record<string, string>>;

function columnType(field: Field, parameters: Parameters): AvroSchema {
  const { column } = field;
  switch (field.kind) {
    case 'boolean':
      return plain('boolean', parameters);
    case 'int16':
      return { type: 'int', 'connect.type': 'int16', 'connect.parameters': parameters };
    case 'int32':
      return plain('int', parameters);
    case 'int64':
    case 'oid':
      return plain('long', parameters);
    case 'float32':
      return plain('float', parameters);
    case 'float64':
      return plain('double', parameters);
    case 'string':
      return plain('string', parameters);
    case 'bytes':
      return plain('bytes', parameters);
    case 'decimal':
      return decimalType(field, parameters);
    case 'variable-decimal':
      return VARIABLE_DECIMAL;
    case 'date':
      return semantic('int', parameters, 'io.debezium.time.Date');
    case 'time-ms':
      return semantic('int', parameters, 'io.debezium.time.Time');
    case 'time-us':
      return semantic('long', parameters, 'io.debezium.time.MicroTime');
    case 'timestamp-ms':
      return semantic('long', parameters, 'io.debezium.time.Timestamp');
    case 'timestamp-us':
      return semantic('long', parameters, 'io.debezium.time.MicroTimestamp');
    case 'zoned-timestamp':
      return semantic('string', parameters, 'io.debezium.time.ZonedTimestamp');
    case 'json':
      return semantic('string', parameters, 'io.debezium.data.Json');
    case 'uuid':
      return semantic('string', parameters, 'io.debezium.data.Uuid');
    case 'xml':
      return semantic('string', parameters, 'io.debezium.data.Xml');
    case 'enum':
      return semantic(
        'string',
        { allowed: column.type.labels?.join(',') ?? '', ...parameters },
        'io.debezium.data.Enum',
      );
    case 'text':
      return semantic('string', { type: column.type.declared, ...parameters }, TEXT_NAME);
    default:
      return field.kind satisfies never;
  }
}

function plain(type: string, parameters: Parameters): AvroSchema {
  return { type, 'connect.parameters': parameters };
}

function semantic(type: string, parameters: Parameters, name: string): AvroSchema {
  return { type, 'connect.version': 1, 'connect.parameters': parameters, 'connect.name': name };
}

/** Avro's own logical type knows no negative scale and none above the precision; Connect's does. */
function decimalType(field: Field, parameters: Parameters): AvroSchema {
  const { precision, scale } = field;
  const isLogical = scale >= 0 && scale <= precision;
  return {
    type: 'bytes',
    ...(isLogical ? { scale, precision } : {}),
    'connect.version': 1,
    'connect.parameters': { scale: `${scale}`, 'connect.decimal.precision': `${precision}`, ...parameters },
    'connect.name': 'org.apache.kafka.connect.data.Decimal',
    ...(isLogical ? { logicalType: 'decimal' } : {}),
  };
}

/** What Debezium adds under `column.propagate.source.type`: a sink creates the column from it, and finds it by its name. */
function columnParameters(field: Field): Parameters {
  const { column } = field;
  const { length, scale } = lengthAndScale(field);
  return {
    '__debezium.source.column.type': typeName(column),
    ...(length === undefined ? {} : { '__debezium.source.column.length': `${length}` }),
    ...(scale === undefined ? {} : { '__debezium.source.column.scale': `${scale}` }),
    [COLUMN_NAME_PARAMETER]: column.name,
  };
}

function typeName(column: Column): string {
  const name = column.type.name.match(/"(?:[^"]|"")*"$|[^.]+$/)?.[0] ?? column.type.name;
  return name.replace(/^"|"$/g, '').replaceAll('""', '"').toUpperCase();
}

const TIMES: ReadonlySet<FieldKind> = new Set([
  'time-ms',
  'time-us',
  'timestamp-ms',
  'timestamp-us',
  'zoned-timestamp',
]);

function lengthAndScale(field: Field): { length?: number; scale?: number } {
  const { baseModifier } = field.column.type;
  if (baseModifier < 0) return {};
  if (field.kind === 'decimal') return { length: field.precision, scale: field.scale };
  if (field.kind === 'string') return { length: baseModifier - 4 };
  return TIMES.has(field.kind) ? { scale: baseModifier } : {};
}
