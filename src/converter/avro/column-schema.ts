import type { Column } from '../../change/table-schema.ts';
import { decimalDigits, type Field, type FieldKind } from './field.ts';

/** An Avro schema as JSON has it. */
export type AvroSchema = string | AvroSchema[] | { readonly [property: string]: unknown };

/** Name of the parameter by which a field says its column's own name, as Debezium's source type propagation writes it. */
export const COLUMN_NAME_PARAMETER = '__debezium.source.column.name';
/** Name of the parameter by which a field says how it has another form of Postgres's text. */
export const ENCODING_PARAMETER = '__rowcast.encoding';
/** Semantic name of a string that is the exact text of a type without a mapping of its own. */
export const TEXT_NAME = 'io.rowcast.data.Text';

/** Forms that neither Avro's type nor the semantic name tells. */
export type FieldEncoding = 'money' | 'hstore' | 'base64' | 'base64-url-safe' | 'hex';

/** A field that may be null, and is by default. */
export function optional(name: string, type: AvroSchema): AvroSchema {
  return { name, type: ['null', type], default: null };
}

/** The fields of a row or key; VariableScaleDecimal is defined where it first appears, as Avro demands. */
export function fieldTypes(fields: readonly Field[]): AvroSchema[] {
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
      return decimalType(field, { 'connect.decimal.precision': `${field.precision}`, ...parameters });
    case 'money':
      return decimalType(field, { ...parameters, ...encoded('money') });
    case 'numeric-double':
      return plain('double', parameters);
    case 'money-double':
      return plain('double', { ...parameters, ...encoded('money') });
    case 'money-string':
      return plain('string', { ...parameters, ...encoded('money') });
    case 'base64':
    case 'base64-url-safe':
    case 'hex':
      return plain('string', { ...parameters, ...encoded(field.kind) });
    case 'hstore-json':
      return semantic('string', { ...parameters, ...encoded('hstore') }, 'io.debezium.data.Json');
    case 'hstore-map':
      return { type: 'map', values: ['null', 'string'], 'connect.parameters': parameters };
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
    case 'connect-date':
      return logical('int', parameters, 'Date', 'date');
    case 'connect-time':
      return logical('int', parameters, 'Time', 'time-millis');
    case 'connect-timestamp':
      return logical('long', parameters, 'Timestamp', 'timestamp-millis');
    case 'time-ns':
      return semantic('long', parameters, 'io.debezium.time.NanoTime');
    case 'timestamp-ns':
      return semantic('long', parameters, 'io.debezium.time.NanoTimestamp');
    case 'iso-date':
      return semantic('string', parameters, 'io.debezium.time.IsoDate');
    case 'iso-time':
      return semantic('string', parameters, 'io.debezium.time.IsoTime');
    case 'iso-timestamp':
      return semantic('string', parameters, 'io.debezium.time.IsoTimestamp');
    case 'zoned-time':
      return semantic('string', parameters, 'io.debezium.time.ZonedTime');
    case 'interval-us':
      return semantic('long', parameters, 'io.debezium.time.MicroDuration');
    case 'interval-iso':
      return semantic('string', parameters, 'io.debezium.time.Interval');
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
      return semantic('string', { type: column.type.declared, ...parameters }, textName(column));
    default:
      return field.kind satisfies never;
  }
}

/** A text for which Debezium has a name of its own says that. */
function textName({ type: { base, kind } }: Column): string {
  if (kind !== 'base' && kind !== 'domain') return TEXT_NAME;
  if (base === 'pg_catalog.tsvector') return 'io.debezium.data.Tsvector';
  return base.endsWith('.ltree') ? 'io.debezium.data.Ltree' : TEXT_NAME;
}

/** For our own readers: of which text the field is another form. */
function encoded(encoding: FieldEncoding): Parameters {
  return { [ENCODING_PARAMETER]: encoding };
}

/** Connect's own types for times: Avro has logical types for them. */
function logical(type: string, parameters: Parameters, name: string, logicalType: string): AvroSchema {
  return { ...semantic(type, parameters, `org.apache.kafka.connect.data.${name}`), logicalType };
}

function plain(type: string, parameters: Parameters): AvroSchema {
  return { type, 'connect.parameters': parameters };
}

function semantic(type: string, parameters: Parameters, name: string): { readonly [property: string]: unknown } {
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
    'connect.parameters': { scale: `${scale}`, ...parameters },
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
  'connect-time',
  'connect-timestamp',
  'time-ns',
  'timestamp-ns',
  'iso-time',
  'iso-timestamp',
  'zoned-time',
]);

function lengthAndScale(field: Field): { length?: number; scale?: number } {
  const { baseModifier } = field.column.type;
  if (baseModifier < 0) return {};
  if (field.kind === 'decimal') return { length: field.precision, scale: field.scale };
  if (field.column.type.base === 'pg_catalog.numeric')
    return lengthAndScale({ ...field, ...decimalDigits(baseModifier), kind: 'decimal' });
  if (field.kind === 'string') return { length: baseModifier - 4 };
  return TIMES.has(field.kind) ? { scale: baseModifier } : {};
}
