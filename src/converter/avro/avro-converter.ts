import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import type {
  AnnouncedTable,
  Converter,
  EnvelopeOrigin,
  RowDecoder,
  RowEncoder,
  SchemaStore,
  SubjectSchema,
} from '../converter.ts';
import { createAvroDecoder } from './decode.ts';
import { createAvroEncoder } from './encode.ts';
import { EnvelopeWriter, TransactionOrder } from './envelope-writer.ts';
import { DEFAULT_MODES, type FieldModes } from './modes.ts';
import { keySchema, valueSchema } from './schema.ts';
import { validSchema } from './valid-schema.ts';

export interface AvroConverterOptions {
  /** Gives the time of processing that stands in envelopes. */
  readonly clock: Pick<Clock, 'now'>;
  /** Fill in the envelope's `transaction` block (Debezium's `provide.transaction.metadata`). False when absent. */
  readonly transactionBlock?: boolean;
  /** How an encoder writes values where there is a choice; decoders read all of them. The defaults when absent. */
  readonly modes?: FieldModes;
}

/**
 * Converts rows to and from Avro in Confluent's framing, with Debezium's envelope. Make one converter per task: its encoders
 * share the order of transactions. An encoder is cached by table version (the object) and topic, a decoder by id and table version.
 */
export function createAvroConverter(
  store: SchemaStore,
  origin: EnvelopeOrigin,
  options: AvroConverterOptions,
): Converter {
  const encoders = new WeakMap<TableSchema, Map<string, RowEncoder>>();
  const decoders = new WeakMap<TableSchema, Map<number, RowDecoder>>();
  /** What was registered ahead and not yet asked for. */
  const announced = new WeakMap<TableSchema, Map<string, TableSchemas>>();
  const order = new TransactionOrder();
  const modes = options.modes ?? DEFAULT_MODES;

  async function encoder(table: TableSchema, topic: string, signal: AbortSignal): Promise<RowEncoder> {
    const known = entry(encoders, table).get(topic);
    if (known !== undefined) return known;
    const { key, value } = entry(announced, table).get(topic) ?? schemasOf(table, topic, modes);
    announced.delete(table);
    const keyId = key && (await store.register(key.subject, key.schema, signal));
    const valueId = await store.register(value.subject, value.schema, signal);
    const envelope = new EnvelopeWriter(table, origin, options.clock, order, options.transactionBlock ?? false);
    const made = createAvroEncoder(table, topic, keyId, valueId, envelope, modes);
    entry(encoders, table).set(topic, made);
    return made;
  }

  async function announce(tables: readonly AnnouncedTable[], signal: AbortSignal): Promise<void> {
    if (tables.length < 2 || store.registerAhead === undefined) return;
    const schemas: SubjectSchema[] = [];
    for (const { table, topic } of tables) {
      const { key, value } = schemasOf(table, topic, modes);
      entry(announced, table).set(topic, { key, value });
      schemas.push(...(key ? [key] : []), value);
    }
    await store.registerAhead(schemas, signal);
  }

  async function decoder(id: number, table: TableSchema, topic: string, signal: AbortSignal): Promise<RowDecoder> {
    const known = entry(decoders, table).get(id);
    if (known !== undefined) return known;
    const schema = validSchema(await store.byId(id, signal), `Schema ${id}`);
    const made = createAvroDecoder(id, schema, table, topic);
    entry(decoders, table).set(id, made);
    return made;
  }

  return { encoder, announce, decoder };
}

function entry<K, V>(cache: WeakMap<TableSchema, Map<K, V>>, table: TableSchema): Map<K, V> {
  let entries = cache.get(table);
  if (entries === undefined) {
    entries = new Map();
    cache.set(table, entries);
  }
  return entries;
}

/** Schemas of a table's records; a table without key has none for it. */
interface TableSchemas {
  readonly key: SubjectSchema | undefined;
  readonly value: SubjectSchema;
}

/** Their texts are the same for the same table version, because properties are written in a fixed order. */
function schemasOf(table: TableSchema, topic: string, modes: FieldModes): TableSchemas {
  const key = keySchema(table, topic, modes);
  return {
    key: key === undefined ? undefined : { subject: `${topic}-key`, schema: JSON.stringify(key) },
    value: { subject: `${topic}-value`, schema: JSON.stringify(valueSchema(table, topic, modes)) },
  };
}
