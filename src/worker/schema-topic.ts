import type { NewSchemaRecord, SchemaRecord, SchemaTopic } from '../converter/registry/log-store.ts';
import { TransientError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { SCHEMAS_TOPIC } from '../log/protocol/topics.ts';
import { RecordReader } from '../log/record-reader.ts';
import { RecordSetWriter } from '../log/record-set.ts';
import { controlTopic, verifyControlTopic } from '../pipeline/topics.ts';
import { failPoint } from '../failpoint.ts';

const READ_BYTES = 1024 * 1024;
const WAIT_MS = 1_000;

/** The schemas topic of a log, for the built-in schema store; created before its first record. */
export function schemaTopic(log: Log, now: () => number, replicationFactor?: number): SchemaTopic {
  let isThere = false;
  const find = async (signal: AbortSignal): Promise<boolean> => {
    if (isThere) return true;
    const topic = (await log.topics([SCHEMAS_TOPIC], signal)).get(SCHEMAS_TOPIC);
    if (topic !== undefined) verifyControlTopic(SCHEMAS_TOPIC, topic);
    isThere = topic !== undefined;
    return isThere;
  };
  return {
    async append(records, signal) {
      if (!(await find(signal))) await log.createTopics([controlTopic(SCHEMAS_TOPIC, replicationFactor)], signal);
      return await append(log, records, now, signal);
    },
    async read(offset, signal) {
      return (await find(signal)) ? await readFrom(log, offset, signal) : [];
    },
  };
}

async function append(
  log: Log,
  records: readonly NewSchemaRecord[],
  now: () => number,
  signal: AbortSignal,
): Promise<number> {
  const writer = new RecordSetWriter(now);
  for (const { key, value } of records) {
    writer.beginRecord();
    writer.beginKey().copy(key, 0, key.length);
    writer.endKey();
    writer.beginValue().copy(value, 0, value.length);
    writer.endValue();
    writer.headers(0);
    writer.endRecord();
  }
  const appends = [{ topic: SCHEMAS_TOPIC, partition: 0, records: writer.finish() }];
  failPoint('registry.before-store');
  const [span] = (await log.publish(appends, undefined, signal)).spans;
  failPoint('registry.stored');
  if (span === undefined) throw new TransientError('A schema was stored without an offset');
  return span.base;
}

async function readFrom(log: Log, from: number, signal: AbortSignal): Promise<SchemaRecord[]> {
  const { end } = await log.bounds(SCHEMAS_TOPIC, 0, signal);
  const records: SchemaRecord[] = [];
  for (let offset = from; offset < end; ) {
    const [fetched] = await log.read([{ topic: SCHEMAS_TOPIC, partition: 0, offset }], READ_BYTES, WAIT_MS, signal);
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      if (reader.valueStart < 0) continue;
      records.push({
        offset: reader.offset,
        value: Buffer.from(reader.bytes.subarray(reader.valueStart, reader.valueEnd)),
      });
    }
  }
  return records;
}
