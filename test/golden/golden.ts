import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../src/log/log.ts';
import { EXACT_HEADER, HEADER } from '../../src/log/protocol/header.ts';
import { RecordReader } from '../../src/log/record-reader.ts';

/** The format that files are of: a folder. */
export type Format = 'v1' | 'v2';

/** A record as `records.jsonl` has it: hexadecimal digits, null for a null key or value. */
export interface GoldenRecord {
  readonly topic: string;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly header?: string;
  readonly exact?: string;
}

export function goldenText(name: string, format: Format = 'v1'): string {
  return readFileSync(join(import.meta.dirname, format, name), 'utf8');
}

export function goldenRecords(format: Format = 'v1'): readonly GoldenRecord[] {
  return goldenText('records.jsonl', format)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as GoldenRecord);
}

/** The values of one topic's records. */
export function goldenValues(topic: string, format: Format = 'v1'): readonly Buffer[] {
  return goldenRecords(format).flatMap((record) =>
    record.topic === topic && record.value !== null ? [Buffer.from(record.value, 'hex')] : [],
  );
}

/** A copy of the state directory, which a test may open and change. */
export function goldenState(): string {
  const directory = mkdtempSync(join(tmpdir(), 'rowcast-golden-'));
  cpSync(join(import.meta.dirname, 'v1', 'state'), directory, { recursive: true });
  return directory;
}

/** All records of a topic that has one partition. */
export async function recordsOf(log: Log, topic: string, signal: AbortSignal): Promise<GoldenRecord[]> {
  const records: GoldenRecord[] = [];
  const { end } = await log.bounds(topic, 0, signal);
  for (let offset = 0; offset < end; ) {
    const [fetched] = await log.read([{ topic, partition: 0, offset }], 1024 * 1024, 0, signal);
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      records.push(recordAt(reader, topic));
    }
  }
  return records;
}

function recordAt(reader: RecordReader, topic: string): GoldenRecord {
  const hex = (start: number, end: number): string | null =>
    start < 0 ? null : reader.bytes.toString('hex', start, end);
  const header = (name: Buffer): string | undefined =>
    reader.findHeader(name) ? reader.bytes.toString('hex', reader.headerStart, reader.headerEnd) : undefined;
  const [rowcast, exact] = [header(HEADER), header(EXACT_HEADER)];
  return {
    topic,
    offset: reader.offset,
    key: hex(reader.keyStart, reader.keyEnd),
    value: hex(reader.valueStart, reader.valueEnd),
    ...(rowcast === undefined ? {} : { header: rowcast }),
    ...(exact === undefined ? {} : { exact }),
  };
}
