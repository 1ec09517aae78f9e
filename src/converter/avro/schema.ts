import type { TableSchema } from '../../change/table-schema.ts';
import { type AvroSchema, fieldTypes, optional } from './column-schema.ts';
import { type Field, fieldsOf } from './field.ts';
import { DEFAULT_MODES, type FieldModes, type NameAdjustment } from './modes.ts';
import { avroNamespace } from './name.ts';

/**
 * The key schema of a table's records, `<topic>.Key`; undefined for a table without key. The fields stand in key order.
 * @see https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-change-events-key
 */
export function keySchema(
  table: TableSchema,
  topic: string,
  modes: FieldModes = DEFAULT_MODES,
): AvroSchema | undefined {
  if (table.key.length === 0) return undefined;
  const fields = fieldsOf(table, modes);
  const namespace = avroNamespace(topic, modes.schemaNames);
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
export function valueSchema(table: TableSchema, topic: string, modes: FieldModes = DEFAULT_MODES): AvroSchema {
  const namespace = avroNamespace(topic, modes.schemaNames);
  const value = {
    type: 'record',
    name: 'Value',
    fields: fieldTypes(fieldsOf(table, modes)),
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

/** The full names that the value schema of a topic may have: by how names are made legal there. */
export function envelopeNames(topic: string): readonly string[] {
  return NAME_ADJUSTMENTS.map((adjustment) => `${avroNamespace(topic, adjustment)}.Envelope`);
}

const NAME_ADJUSTMENTS: readonly NameAdjustment[] = ['avro', 'avro_unicode'];

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
