import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../log/embedded/embedded-log.ts';
import { openKafkaLog } from '../log/kafka/kafka-log.ts';
import type { Cursor, Log } from '../log/log.ts';
import { CheckpointCounter, type CountingCheckpoint } from '../log/protocol/counter.ts';
import { HEADER, headerClaim, headerIndex, headerNumber } from '../log/protocol/header.ts';
import { decodeLedgerRecord } from '../log/protocol/records.ts';
import { checkpointsTopic, dataTopic, schemaChangesTopic } from '../log/protocol/topics.ts';
import { RecordReader } from '../log/record-reader.ts';
import { readHistory } from '../pipeline/ledger.ts';
import { TABLES } from './source-schema.ts';

/** What lies at the log's end. */
export interface LogEnd {
  readonly checkpoint: CountingCheckpoint | undefined;
  /** What the last claim has stored behind it. Every transaction's last change is that of the ledger. */
  readonly tail: 'nothing' | 'whole' | 'part';
}

/** Who has claimed the log last. */
export interface LastClaim {
  readonly offset: number;
  readonly daemon: string;
  readonly id: string;
}

/** How often the files of a service that lives are copied until they fit together. */
const COPY_TRIES = 5;
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
    const settings = { bootstrapServers: bootstrap.split(','), clientId: 'torture' };
    return new LogView(() => openKafkaLog(settings), prefix);
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

  /** The last claim; undefined before the first. */
  async lastClaim(signal: AbortSignal): Promise<LastClaim | undefined> {
    await using log = await this.#open();
    const { end } = await log.bounds(checkpointsTopic(this.#prefix), 0, signal);
    const last = (await readHistory(log, this.#prefix, end, signal)).claims.at(-1);
    return last && { offset: last.offset, daemon: last.claim.daemon, id: last.claim.id };
  }

  /** When the last claim or checkpoint was stored, by the clock of whoever has stored it (milliseconds since 1970). */
  async storedAt(signal: AbortSignal): Promise<number | undefined> {
    await using log = await this.#open();
    const topic = checkpointsTopic(this.#prefix);
    const { end } = await log.bounds(topic, 0, signal);
    let timestamp: number | undefined;
    await walk(log, { topic, partition: 0, offset: end - 1 }, signal, (reader) => {
      timestamp = reader.timestamp;
    });
    return timestamp;
  }

  /** Where every partition ends now. */
  async ends(signal: AbortSignal): Promise<readonly Cursor[]> {
    await using log = await this.#open();
    const names = [...topicsOf(this.#prefix), checkpointsTopic(this.#prefix)];
    const ends: Cursor[] = [];
    for (const { name, partitions } of (await log.topics(names, signal)).values()) {
      for (let partition = 0; partition < partitions; partition++) {
        ends.push({ topic: name, partition, offset: (await log.bounds(name, partition, signal)).end });
      }
    }
    return ends;
  }

  /** How many records behind these ends are of the process that has made this claim: data, checkpoints and claims. */
  async writtenSince(ends: readonly Cursor[], claim: LastClaim, signal: AbortSignal): Promise<number> {
    await using log = await this.#open();
    const control = checkpointsTopic(this.#prefix);
    let count = 0;
    for (const end of ends) {
      await walk(log, end, signal, (reader) => {
        if (end.topic === control) {
          const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), control);
          if (record?.kind === 'checkpoint' && record.claim === claim.offset) count++;
          if (record?.kind === 'claim' && record.daemon === claim.daemon && record.id === claim.id) count++;
        } else if (reader.findHeader(HEADER) && headerClaim(reader.bytes, reader.headerStart) === claim.offset) count++;
      });
    }
    return count;
  }

  /** How often a copy of the tables was begun, and how often after the first one that was finished. */
  async copies(signal: AbortSignal): Promise<{ readonly begun: number; readonly afterFinished: number }> {
    await using log = await this.#open();
    const topic = checkpointsTopic(this.#prefix);
    const counter = new CheckpointCounter();
    let finishedBy: number | undefined;
    await walk(log, { topic, partition: 0, offset: 0 }, signal, (reader) => {
      const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), topic);
      const checkpoint = record && counter.feed(reader.offset, record);
      if (checkpoint?.consistent) finishedBy ??= checkpoint.claim;
    });
    const claims = await beginsOfCopies(log, schemaChangesTopic(this.#prefix), signal);
    return { begun: claims.length, afterFinished: claims.filter((claim) => claim > (finishedBy ?? Infinity)).length };
  }
}

async function openCopy(directory: string): Promise<Log> {
  for (let left = COPY_TRIES; ; left--) {
    const copy = await mkdtemp(join(tmpdir(), 'rowcast-torture-log-'));
    try {
      return await openCopied(directory, copy);
    } catch (error) {
      await rm(copy, { recursive: true, force: true });
      if (left === 1) throw error; // else a living service has just changed its files
    }
  }
}

async function openCopied(directory: string, copy: string): Promise<Log> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []; // nobody has begun it
    throw error;
  });
  // Not the lock: its owner may be alive, and stopped. What says how much there must be comes first.
  const wanted = names.filter((name) => !name.startsWith('lock-') && !name.endsWith('.tmp'));
  const isLog = (name: string): boolean => name.endsWith('.log');
  for (const name of [...wanted.filter((each) => !isLog(each)), ...wanted.filter(isLog)])
    await copyFile(join(directory, name), join(copy, name));
  const log = await openEmbeddedLog(copy);
  const close = log[Symbol.asyncDispose].bind(log);
  log[Symbol.asyncDispose] = async () => {
    await close();
    await rm(copy, { recursive: true, force: true });
  };
  return log;
}

/** The topics of the lasting tables, and that of what is said between rows. */
function topicsOf(prefix: string): string[] {
  return [...TABLES.map((table) => dataTopic(prefix, 'public', table)), schemaChangesTopic(prefix)];
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
  const names = topicsOf(prefix);
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
  await walk(log, { topic, partition: 0, offset: 0 }, signal, (reader) => {
    const value = reader.bytes.toString('utf8', reader.valueStart + 1, reader.valueEnd);
    if (!value.includes('"kind":"snapshot-begin"') || !reader.findHeader(HEADER)) return;
    claims.push(headerClaim(reader.bytes, reader.headerStart));
  });
  return claims;
}

/** Visits the records of a partition from an offset on. */
async function walk(
  log: Log,
  { topic, partition, offset: from }: Cursor,
  signal: AbortSignal,
  visit: (reader: RecordReader) => void,
): Promise<void> {
  const { start, end } = await log.bounds(topic, partition, signal);
  for (let offset = Math.max(start, from); offset < end; ) {
    const [fetched] = await log.read([{ topic, partition, offset }], READ_BYTES, 1000, signal);
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      if (reader.valueStart >= 0) visit(reader);
    }
  }
}
