import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { CheckpointCounter, type CountingCheckpoint } from '../../src/log/protocol/counter.ts';
import { HEADER, headerClaim, headerIndex, headerNumber } from '../../src/log/protocol/header.ts';
import { decodeLedgerRecord } from '../../src/log/protocol/records.ts';
import { checkpointsTopic, dataTopic, schemaChangesTopic } from '../../src/log/protocol/topics.ts';
import { RecordReader } from '../../src/log/record-reader.ts';
import { readHistory } from '../../src/pipeline/ledger.ts';
import { TABLES } from './source-schema.ts';

/** What lies at the log's end. */
export interface LogEnd {
  readonly checkpoint: CountingCheckpoint | undefined;
  /** What the last claim has stored behind it. Every transaction's last change is that of the ledger. */
  readonly tail: 'nothing' | 'whole' | 'part';
}

const READ_BYTES = 8 * 1024 * 1024;

/** Reads a log from outside, while the service is down. Never writes to it. */
export class LogView {
  readonly #open: () => Promise<Log>;
  readonly #prefix: string;

  private constructor(open: () => Promise<Log>, prefix: string) {
    this.#open = open;
    this.#prefix = prefix;
  }

  static ofKafka(bootstrap: string, prefix: string): LogView {
    return new LogView(() => openKafkaLog({ bootstrapServers: [bootstrap], clientId: 'torture' }), prefix);
  }

  /** A copy is opened: the recovery of the log itself is left to the service. */
  static ofDirectory(directory: string, prefix: string): LogView {
    return new LogView(() => openCopy(directory), prefix);
  }

  async end(signal: AbortSignal): Promise<LogEnd> {
    await using log = await this.#open();
    if (!(await exists(log, checkpointsTopic(this.#prefix), signal))) return { checkpoint: undefined, tail: 'nothing' };
    const { end } = await log.bounds(checkpointsTopic(this.#prefix), 0, signal);
    const { claims, checkpoint } = await readHistory(log, this.#prefix, end, signal);
    const claim = claims.at(-1)?.offset ?? -1;
    let last: { index: number; topic: string } | undefined;
    for (const record of await lastRecords(log, this.#prefix, signal)) {
      const isCovered = checkpoint?.claim === record.claim && record.number <= checkpoint.number;
      if (record.claim !== claim || isCovered) continue;
      if (last === undefined || record.index > last.index) last = record;
    }
    if (last === undefined) return { checkpoint, tail: 'nothing' };
    return { checkpoint, tail: last.topic === dataTopic(this.#prefix, 'public', 'ledger') ? 'whole' : 'part' };
  }

  /** How often a copy of the tables was begun, and how often after the first one that was finished. */
  async copies(signal: AbortSignal): Promise<{ readonly begun: number; readonly afterFinished: number }> {
    await using log = await this.#open();
    const topic = checkpointsTopic(this.#prefix);
    const counter = new CheckpointCounter();
    let finishedBy: number | undefined;
    await walk(log, topic, signal, (reader) => {
      const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), topic);
      const checkpoint = record && counter.feed(reader.offset, record);
      if (checkpoint?.consistent) finishedBy ??= checkpoint.claim;
    });
    const claims = await beginsOfCopies(log, schemaChangesTopic(this.#prefix), signal);
    return { begun: claims.length, afterFinished: claims.filter((claim) => claim > (finishedBy ?? Infinity)).length };
  }
}

async function openCopy(directory: string): Promise<Log> {
  const copy = await mkdtemp(join(tmpdir(), 'rowcast-torture-log-'));
  try {
    await cp(directory, copy, { recursive: true });
    const log = await openEmbeddedLog(copy);
    const close = log[Symbol.asyncDispose].bind(log);
    log[Symbol.asyncDispose] = async () => {
      await close();
      await rm(copy, { recursive: true, force: true });
    };
    return log;
  } catch (error) {
    await rm(copy, { recursive: true, force: true });
    throw error;
  }
}

async function exists(log: Log, topic: string, signal: AbortSignal): Promise<boolean> {
  return (await log.topics([topic], signal)).has(topic);
}

interface LastRecord {
  readonly topic: string;
  readonly claim: number;
  readonly number: number;
  readonly index: number;
}

/** The last record of every partition: in each, records have the order of their indexes. */
async function lastRecords(log: Log, prefix: string, signal: AbortSignal): Promise<LastRecord[]> {
  const names = [...TABLES.map((table) => dataTopic(prefix, 'public', table)), schemaChangesTopic(prefix)];
  const records: LastRecord[] = [];
  for (const { name, partitions } of (await log.topics(names, signal)).values()) {
    for (let partition = 0; partition < partitions; partition++) {
      const { start, end } = await log.bounds(name, partition, signal);
      if (end === start) continue;
      const [fetched] = await log.read([{ topic: name, partition, offset: end - 1 }], READ_BYTES, 1000, signal);
      const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
      while (reader.next()) {
        if (reader.offset !== end - 1 || !reader.findHeader(HEADER)) continue;
        const { bytes, headerStart: at } = reader;
        records.push({
          topic: name,
          claim: headerClaim(bytes, at),
          number: headerNumber(bytes, at),
          index: headerIndex(bytes, at),
        });
      }
    }
  }
  return records;
}

/** Under which claims a copy was begun. */
async function beginsOfCopies(log: Log, topic: string, signal: AbortSignal): Promise<number[]> {
  const claims: number[] = [];
  await walk(log, topic, signal, (reader) => {
    const value = reader.bytes.toString('utf8', reader.valueStart + 1, reader.valueEnd);
    if (!value.includes('"kind":"snapshot-begin"') || !reader.findHeader(HEADER)) return;
    claims.push(headerClaim(reader.bytes, reader.headerStart));
  });
  return claims;
}

/** Visits all records of a topic's only partition. */
async function walk(
  log: Log,
  topic: string,
  signal: AbortSignal,
  visit: (reader: RecordReader) => void,
): Promise<void> {
  const { start, end } = await log.bounds(topic, 0, signal);
  for (let offset = start; offset < end; ) {
    const [fetched] = await log.read([{ topic, partition: 0, offset }], READ_BYTES, 1000, signal);
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      if (reader.valueStart >= 0) visit(reader);
    }
  }
}
