import type { BatchCompression } from '../../src/log/batch-compression.ts';
import { type RecordSet, RecordSetWriter } from '../../src/log/record-set.ts';
import { RecordReader } from '../../src/log/record-reader.ts';
import type { Append, Cursor, Fetched, Log } from '../../src/log/log.ts';

/** One record as a test writes and expects it; null is Kafka's null, not an empty value. */
export interface TestRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer])[];
}

/** A record as a log gave it back. */
export interface ReadRecord extends TestRecord {
  readonly offset: number;
}

export function record(value: string): TestRecord {
  return { key: null, value: Buffer.from(value), headers: [] };
}

/** Writes one record the way a source does. */
export function writeRecord(writer: RecordSetWriter, { key, value, headers }: TestRecord): void {
  writer.beginRecord();
  if (key === null) writer.nullKey();
  else {
    writer.beginKey().copy(key, 0, key.length);
    writer.endKey();
  }
  if (value === null) writer.nullValue();
  else {
    writer.beginValue().copy(value, 0, value.length);
    writer.endValue();
  }
  writer.headers(headers.length);
  for (const [name, bytes] of headers) writer.header(Buffer.from(name), bytes, 0, bytes.length);
  writer.endRecord();
}

export function recordSet(
  records: readonly TestRecord[],
  maxBatchBytes?: number,
  compression?: BatchCompression,
): RecordSet {
  const writer = new RecordSetWriter(() => 1_700_000_000_000, maxBatchBytes, { compression });
  for (const each of records) writeRecord(writer, each);
  return writer.finish();
}

/** An append of records that are only a text each, and with `compression` also a header that makes it worth the while. */
export function texts(
  topic: string,
  partition: number,
  values: readonly string[],
  maxBatchBytes?: number,
  compression?: BatchCompression,
): Append {
  const headers = compression === undefined ? [] : [['padding', Buffer.alloc(300)] as const];
  const records = values.map((value) => ({ ...record(value), headers }));
  return { topic, partition, records: recordSet(records, maxBatchBytes, compression) };
}

/** The records in `bytes`, with the headers of these names (a reader can only ask for headers by name). */
export function readRecords(bytes: Buffer, headerNames: readonly string[] = []): ReadRecord[] {
  const reader = new RecordReader(bytes);
  const records: ReadRecord[] = [];
  while (reader.next()) {
    const headers = headerNames
      .filter((name) => reader.findHeader(Buffer.from(name)))
      .map((name) => {
        reader.findHeader(Buffer.from(name));
        return [name, copyOf(reader.bytes, reader.headerStart, reader.headerEnd)] as const;
      });
    records.push({
      offset: reader.offset,
      key: reader.keyStart < 0 ? null : copyOf(reader.bytes, reader.keyStart, reader.keyEnd),
      value: reader.valueStart < 0 ? null : copyOf(reader.bytes, reader.valueStart, reader.valueEnd),
      headers,
    });
  }
  return records;
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}

/** What was fetched of one partition. */
export function fetchedOf(fetched: readonly Fetched[], topic: string, partition: number): Fetched {
  const found = fetched.find((each) => each.topic === topic && each.partition === partition);
  if (found === undefined) throw new Error(`Nothing was answered for ${topic}/${partition}`);
  return found;
}

/** Reads `count` records from `cursor` on, by as many reads as it takes. */
export async function readOn(
  log: Log,
  cursor: Cursor,
  count: number,
  maxBytes: number = 1_000_000,
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  let { offset } = cursor;
  while (records.length < count) {
    const answer = await log.read([{ ...cursor, offset }], maxBytes, 30_000, new AbortController().signal);
    const fresh = readRecords(fetchedOf(answer, cursor.topic, cursor.partition).bytes).filter(
      (each) => each.offset >= offset,
    );
    records.push(...fresh);
    offset = (fresh.at(-1)?.offset ?? offset - 1) + 1;
  }
  return records.slice(0, count);
}

export function textOf(each: TestRecord): string {
  return String(each.value);
}
