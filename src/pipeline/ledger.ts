import { OperatorError, TransientError } from '../errors.ts';
import type { Append, Log, Span } from '../log/log.ts';
import { CheckpointCounter, type CountingCheckpoint } from '../log/protocol/counter.ts';
import {
  type Checkpoint,
  type Claim,
  decodeLedgerRecord,
  encodeLedgerRecord,
  type LedgerRecord,
} from '../log/protocol/records.ts';
import { checkpointsTopic } from '../log/protocol/topics.ts';
import { RecordReader } from '../log/record-reader.ts';
import { RecordSetWriter } from '../log/record-set.ts';

/** A record of the checkpoints topic where it was found. */
export interface LedgerEntry {
  readonly offset: number;
  readonly record: LedgerRecord;
}

/** What the checkpoints topic says as of some offset (exclusive). */
export interface History {
  /** Undefined when the topic has no record of ours. */
  readonly logId: string | undefined;
  /** Claims that were looked at, oldest first; all there are when `checkpoint` is undefined. */
  readonly claims: readonly { readonly offset: number; readonly claim: Claim }[];
  /** The last checkpoint that counts. */
  readonly checkpoint: CountingCheckpoint | undefined;
}

/** How much is read at once, and how far back the first look goes. */
const READ_BYTES = 4 * 1024 * 1024;
const FIRST_WINDOW = 2_000;
const WAIT_MS = 1_000;

/** Reads `[from, to)` of the checkpoints topic; records that are not ours are left out. */
export async function readLedger(
  log: Log,
  prefix: string,
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<LedgerEntry[]> {
  const topic = checkpointsTopic(prefix);
  const entries: LedgerEntry[] = [];
  for (let offset = from; offset < to; ) {
    const [fetched] = await log.read([{ topic, partition: 0, offset }], READ_BYTES, WAIT_MS, signal);
    if (fetched === undefined || fetched.end < to) {
      throw new TransientError(`Topic ${topic} ends at ${fetched?.end}, below offset ${to} that it had before`);
    }
    const reader = new RecordReader(fetched.bytes);
    while (reader.next()) {
      if (reader.offset < offset || reader.offset >= to) continue;
      offset = reader.offset + 1;
      if (reader.valueStart < 0) continue;
      const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), topic);
      if (record !== undefined) entries.push({ offset: reader.offset, record });
    }
  }
  return entries;
}

/**
 * The history as of `end`. Looks back in growing windows until one holds a claim and a checkpoint that counts after it
 * (from a claim on the counting rule is exact), or the topic's start.
 */
export async function readHistory(log: Log, prefix: string, end: number, signal: AbortSignal): Promise<History> {
  const { start } = await log.bounds(checkpointsTopic(prefix), 0, signal);
  for (let window = FIRST_WINDOW; ; window *= 4) {
    const from = Math.max(start, end - window);
    const history = count(await readLedger(log, prefix, from, end, signal), from === start);
    if (from === start || history.checkpoint !== undefined) return history;
  }
}

/** Without the topic's start in view, what lies before the first claim cannot be judged and is left out. */
function count(entries: readonly LedgerEntry[], fromStart: boolean): History {
  const firstClaim = entries.findIndex((entry) => entry.record.kind === 'claim');
  const judged = fromStart ? entries : firstClaim < 0 ? [] : entries.slice(firstClaim);
  const counter = new CheckpointCounter();
  const claims: { offset: number; claim: Claim }[] = [];
  let checkpoint: CountingCheckpoint | undefined;
  for (const { offset, record } of judged) {
    checkpoint = counter.feed(offset, record) ?? checkpoint;
    if (record.kind === 'claim' && record.logId === counter.logId) claims.push({ offset, claim: record });
  }
  return { logId: counter.logId, claims, checkpoint };
}

/** The records of a claim or checkpoint as appends to the checkpoints topic. */
export function ledgerAppends(
  prefix: string,
  record: Claim | Omit<Checkpoint, 'part' | 'last' | 'records'>,
  now: () => number,
): Append[] {
  const writer = new RecordSetWriter(now);
  for (const value of encodeLedgerRecord(record)) {
    writer.beginRecord();
    writer.nullKey();
    writer.beginValue().copy(value, 0, value.length);
    writer.endValue();
    writer.headers(0);
    writer.endRecord();
  }
  return [{ topic: checkpointsTopic(prefix), partition: 0, records: writer.finish() }];
}

/**
 * Proves that no newer claim stands before a checkpoint that was just stored at `spans` (PROTOCOL, source 4), and returns the
 * offset of its last part. `previous` is the offset of our own record before it.
 */
export async function confirmOwnership(
  log: Log,
  prefix: string,
  previous: number,
  spans: readonly Span[],
  signal: AbortSignal,
): Promise<number> {
  const topic = checkpointsTopic(prefix);
  let expected = previous + 1;
  for (const span of spans) {
    if (span.base < expected) {
      throw new TransientError(
        `Topic ${topic} gave out offset ${span.base} again, ${expected} was next: its tail was lost`,
      );
    }
    if (span.base > expected) {
      const between = await readLedger(log, prefix, expected, span.base, signal);
      const claim = between.find((entry) => entry.record.kind === 'claim');
      if (claim !== undefined) {
        throw new TransientError(
          `A newer claim stands at offset ${claim.offset} of ${topic}: this one's checkpoints count no more`,
        );
      }
    }
    expected = span.base + span.count;
  }
  return expected - 1;
}

/** Says that the log has forgotten what it promised to keep. */
export function tailLost(prefix: string, what: string): OperatorError {
  return new OperatorError(`The log of ${prefix} lost its tail: ${what}`, {
    advice:
      'Records that were confirmed are gone (an unclean leader election, or a disk that lies about fsync). ' +
      'Make a new replica by a snapshot: delete the connector with its slot and start it again under a new topic.prefix.',
  });
}
