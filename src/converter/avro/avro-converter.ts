import avsc from 'avsc';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { OperatorError } from '../../errors.ts';
import type { Converter, EnvelopeOrigin, RowDecoder, RowEncoder, SchemaStore } from '../converter.ts';
import type { AvroSchema } from './column-schema.ts';
import { createAvroDecoder } from './decode.ts';
import { createAvroEncoder } from './encode.ts';
import { EnvelopeWriter, TransactionOrder } from './envelope-writer.ts';
import { DEFAULT_MODES, type FieldModes } from './modes.ts';
import { keySchema, valueSchema } from './schema.ts';

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
  const order = new TransactionOrder();
  const modes = options.modes ?? DEFAULT_MODES;

  async function encoder(table: TableSchema, topic: string, signal: AbortSignal): Promise<RowEncoder> {
    const known = entry(encoders, table).get(topic);
    if (known !== undefined) return known;
    const key = keySchema(table, topic, modes);
    const keyId = key === undefined ? undefined : await store.register(`${topic}-key`, canonical(key, table), signal);
    const valueId = await store.register(`${topic}-value`, canonical(valueSchema(table, topic, modes), table), signal);
    const envelope = new EnvelopeWriter(table, origin, options.clock, order, options.transactionBlock ?? false);
    const made = createAvroEncoder(table, topic, keyId, valueId, envelope, modes);
    entry(encoders, table).set(topic, made);
    return made;
  }

  async function decoder(id: number, table: TableSchema, signal: AbortSignal): Promise<RowDecoder> {
    const known = entry(decoders, table).get(id);
    if (known !== undefined) return known;
    const made = createAvroDecoder(id, parsed(await store.byId(id, signal), `Schema ${id}`), table);
    entry(decoders, table).set(id, made);
    return made;
  }

  return { encoder, decoder };
}

function entry<K, V>(cache: WeakMap<TableSchema, Map<K, V>>, table: TableSchema): Map<K, V> {
  let entries = cache.get(table);
  if (entries === undefined) {
    entries = new Map();
    cache.set(table, entries);
  }
  return entries;
}

/** The schema's text; the same for the same table version, because properties are written in a fixed order. */
function canonical(schema: AvroSchema, table: TableSchema): string {
  const text = JSON.stringify(schema);
  parsed(text, `Schema of table ${tableName(table)}`);
  return text;
}

/** Parses a schema that avsc finds valid. */
function parsed(text: string, what: string): unknown {
  try {
    const schema = JSON.parse(text) as avsc.Schema;
    avsc.Type.forSchema(schema);
    return schema;
  } catch (cause) {
    throw new OperatorError(`${what} is not a valid Avro schema`, {
      cause,
      advice: 'Look at the schema in the registry; another program may have registered it.',
    });
  }
}
