import { binaryReader } from './binary-text.ts';
import { ENCODING_PARAMETER } from './column-schema.ts';
import { bigReader, rereading, stringReader } from './converting.ts';
import { decimalReader, readVariableDecimal } from './decimal-reader.ts';
import { HSTORE_JSON, readHstoreMap } from './hstore.ts';
import { ISO_INTERVAL, MICRO_DURATION } from './interval.ts';
import { ISO_DATE, ISO_TIME, ISO_TIMESTAMP, NANO_TIME, NANO_TIMESTAMP, ZONED_TIME } from './iso-time.ts';
import { moneyOfDecimal } from './money.ts';
import { type CellReader, readBoolean, readDouble, readFloat, readInt, readLong } from './number-reader.ts';
import type { AvroNode } from './schema-tree.ts';
import { readBytes, readText } from './text-reader.ts';
import { readDate, readZonedTimestamp, timeReader, timestampReader } from './time-reader.ts';

/**
 * The reader that turns values of this type into Postgres text; undefined when it is not known how
 * (a semantic type whose number means something else must not be taken for a plain number).
 */
export function cellReader(node: AvroNode): CellReader | undefined {
  if (node.kind === 'record') {
    return node.name === 'io.debezium.data.VariableScaleDecimal' ? readVariableDecimal : undefined;
  }
  if (node.kind === 'map') return isNullableString(node.items) ? readHstoreMap : undefined;
  if (node.kind !== 'primitive') return undefined;
  const reader = primitiveReader(node);
  return reader && encodedReader(reader, parameter(node.props, ENCODING_PARAMETER));
}

function primitiveReader(node: Extract<AvroNode, { readonly kind: 'primitive' }>): CellReader | undefined {
  const name = semanticName(node.props);
  switch (node.type) {
    case 'boolean':
      return name === '' ? readBoolean : undefined;
    case 'int':
      return INTS.get(name);
    case 'long':
      return LONGS.get(name);
    case 'float':
      return name === '' ? readFloat : undefined;
    case 'double':
      return name === '' ? readDouble : undefined;
    case 'bytes':
      if (name === 'org.apache.kafka.connect.data.Decimal') return decimalReader(scaleOf(node.props));
      return name === '' ? readBytes : undefined;
    case 'string':
      return STRINGS.get(name) ?? readText;
    case 'null':
      return undefined;
    default:
      return node.type satisfies never;
  }
}

/** A form that only the field's parameter tells; one that is not known cannot be read. */
function encodedReader(read: CellReader, encoding: string | undefined): CellReader | undefined {
  switch (encoding) {
    case undefined:
      return read;
    case 'money':
      return rereading(read, moneyOfDecimal);
    case 'hstore':
      return stringReader(HSTORE_JSON);
    case 'base64':
    case 'base64-url-safe':
    case 'hex':
      return binaryReader(encoding);
    default:
      return undefined;
  }
}

function isNullableString(node: AvroNode): boolean {
  if (node.kind !== 'union' || node.branches.length !== 2) return false;
  const [first, second] = node.branches.map((branch) => (branch.kind === 'primitive' ? branch.type : ''));
  return first === 'null' && second === 'string';
}

const STRINGS: ReadonlyMap<string, CellReader> = new Map([
  ['io.debezium.time.ZonedTimestamp', readZonedTimestamp],
  ['io.debezium.time.IsoDate', stringReader(ISO_DATE)],
  ['io.debezium.time.IsoTime', stringReader(ISO_TIME)],
  ['io.debezium.time.IsoTimestamp', stringReader(ISO_TIMESTAMP)],
  ['io.debezium.time.ZonedTime', stringReader(ZONED_TIME)],
  ['io.debezium.time.Interval', stringReader(ISO_INTERVAL)],
]);

const INTS: ReadonlyMap<string, CellReader> = new Map([
  ['', readInt],
  ['io.debezium.time.Date', readDate],
  ['org.apache.kafka.connect.data.Date', readDate],
  ['io.debezium.time.Time', timeReader(1000)],
  ['org.apache.kafka.connect.data.Time', timeReader(1000)],
]);

const LONGS: ReadonlyMap<string, CellReader> = new Map([
  ['', readLong],
  ['io.debezium.time.MicroTime', timeReader(1)],
  ['io.debezium.time.Timestamp', timestampReader(1000)],
  ['org.apache.kafka.connect.data.Timestamp', timestampReader(1000)],
  ['io.debezium.time.MicroTimestamp', timestampReader(1)],
  ['io.debezium.time.NanoTime', bigReader(NANO_TIME)],
  ['io.debezium.time.NanoTimestamp', bigReader(NANO_TIMESTAMP)],
  ['io.debezium.time.MicroDuration', bigReader(MICRO_DURATION)],
]);

/** A type's `connect.name`, else what its logical type means; empty for a plain one. */
function semanticName(props: Readonly<Record<string, unknown>>): string {
  const name = props['connect.name'] ?? logicalName(props.logicalType);
  return typeof name === 'string' ? name : '';
}

/** Avro's own logical types, where no semantic name says it; others are left alone. */
function logicalName(logicalType: unknown): string | undefined {
  switch (logicalType) {
    case 'decimal':
      return 'org.apache.kafka.connect.data.Decimal';
    case 'date':
      return 'io.debezium.time.Date';
    case 'time-millis':
      return 'io.debezium.time.Time';
    case 'time-micros':
      return 'io.debezium.time.MicroTime';
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return 'io.debezium.time.Timestamp';
    case 'timestamp-micros':
    case 'local-timestamp-micros':
      return 'io.debezium.time.MicroTimestamp';
    default:
      return undefined;
  }
}

function scaleOf(props: Readonly<Record<string, unknown>>): number {
  return Number(props.scale ?? parameter(props, 'scale') ?? 0);
}

function parameter(props: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const parameters = props['connect.parameters'] as Readonly<Record<string, string>> | undefined;
  return parameters !== undefined && Object.hasOwn(parameters, name) ? parameters[name] : undefined;
}
