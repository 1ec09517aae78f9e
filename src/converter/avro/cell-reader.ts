import { decimalReader, readVariableDecimal } from './decimal-reader.ts';
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
  if (node.kind !== 'primitive') return undefined;
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
      return name === 'io.debezium.time.ZonedTimestamp' ? readZonedTimestamp : readText;
    case 'null':
      return undefined;
    default:
      return node.type satisfies never;
  }
}

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
  const parameters = props['connect.parameters'] as { readonly scale?: string } | undefined;
  return Number(props.scale ?? parameters?.scale ?? 0);
}
