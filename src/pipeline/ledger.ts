import { PositionLostError, TransientError } from '../errors.ts';
import type { Append, Log, Span } from '../log/log.ts';
import { CheckpointCounter, type CountFrom, type CountingCheckpoint } from '../log/protocol/counter.ts';
import {
  type Acceptance,
  type Claim,
  decodeLedgerRecord,
  encodeLedgerRecord,
  type LedgerRecord,
  type NewLedgerRecord,
} from '../log/protocol/records.ts';
import { checkpointsTopic } from '../log/protocol/topics.ts';
import { RecordReader } from '../log/record-reader.ts';
import { RecordSetWriter } from '../log/record-set.ts';
import { historyLost } from './history-lost.ts';

/** A claim where it was found. */
export interface ClaimEntry {
  readonly offset: number;
  readonly claim: Claim;
}

/** What the checkpoints topic says as of some offset (exclusive). */
export interface History {
  /** Undefined when the topic has no record of ours. */
  readonly logId: string | undefined;
  /** Claims that were looked at, oldest first: that of `checkpoint` and later ones; all there are when it is undefined. */
  readonly claims: readonly ClaimEntry[];
  /** The last checkpoint that counts. */
  readonly checkpoint: CountingCheckpoint | undefined;
  /** What an operator has accepted since `checkpoint`. */
  readonly acceptances: readonly Acceptance[];
}

/** How much is read at once, and how far back the first look goes. */
const READ_BYTES = 4 * 1024 * 1024;
const FIRST_WINDOW = 200;
const WAIT_MS = 1_000;

/** Visits the records of `[from, to)` of the checkpoints topic in order; records that are not ours are left out, but none may be missing. */
async function visitLedger(
  log: Log,
  prefix: string,
  from: number,
  to: number,
  visit: (offset: number, record: LedgerRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  const topic = checkpointsTopic(prefix);
  for (let offset = from; offset < to; ) {
    const [fetched] = await log.read([{ topic, partition: 0, offset }], READ_BYTES, WAIT_MS, signal);
    if (fetched === undefined || fetched.end < to) {
      throw new TransientError(`Topic ${topic} ends at ${fetched?.end}, below offset ${to} that it had before`);
    }
    const reader = new RecordReader(fetched.bytes);
    while (offset < to && reader.next()) {
      if (reader.offset < offset) continue;
      if (reader.offset > offset) throw historyLost(prefix, `offset ${offset} is missing`);
      offset++;
      if (reader.valueStart < 0) continue;
      const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), topic);
      if (record !== undefined) visit(reader.offset, record);
    }
  }
}

/** The claims in `[from, to)` of the checkpoints topic. */
async function readClaims(
  log: Log,
  prefix: string,
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<ClaimEntry[]> {
  const claims: ClaimEntry[] = [];
  const visit = (offset: number, record: LedgerRecord): void => {
    if (record.kind === 'claim') claims.push({ offset, claim: record });
  };
  await visitLedger(log, prefix, from, to, visit, signal);
  return claims;
}

/**
 * The history as of `end`. Looks back in growing windows until one has a place from which the counting rule is exact and a
 * checkpoint that counts after it, or reaches the topic's start; so a start costs the same however long the topic is.
 */
export async function readHistory(log: Log, prefix: string, end: number, signal: AbortSignal): Promise<History> {
  const { start } = await log.bounds(checkpointsTopic(prefix), 0, signal);
  for (let window = FIRST_WINDOW; ; window *= 4) {
    const from = Math.max(start, end - window);
    const history = await readWindow(log, prefix, from, end, from === start, signal);
    if (from > start && history.checkpoint === undefined) continue;
    // Where nobody has written yet is not where everything was taken away.
    if (start > 0 && history.logId === undefined)
      throw historyLost(prefix, `nothing is left of what stood below offset ${start}`);
    return history;
  }
}

async function readWindow(
  log: Log,
  prefix: string,
  from: number,
  end: number,
  fromStart: boolean,
  signal: AbortSignal,
): Promise<History> {
  let counter = fromStart ? new CheckpointCounter() : undefined;
  let checkpoint: CountingCheckpoint | undefined;
  const claims: ClaimEntry[] = [];
  const acceptances: Acceptance[] = [];
  const visit = (offset: number, record: LedgerRecord): void => {
    counter ??= counterAt(record, from);
    const fed = counter?.feed(offset, record);
    if (fed !== undefined) assertFollows(prefix, fed, checkpoint);
    checkpoint = fed ?? checkpoint;
    if (record.logId !== counter?.logId) return;
    if (record.kind === 'claim') claims.push({ offset, claim: record });
    if (record.kind === 'acceptance') acceptances.push(record);
  };
  await visitLedger(log, prefix, from, end, visit, signal);
  const owner = checkpoint?.claim ?? from;
  if (owner < from) claims.unshift(...(await readClaims(log, prefix, owner, owner + 1, signal)));
  const ofLast = acceptances.filter((each) => each.checkpoint === checkpoint?.offset);
  return { logId: counter?.logId, claims, checkpoint, acceptances: ofLast };
}

/**
 * A log that lost its end may have been written to before anybody looked: what stands there follows a checkpoint that is gone. `before` is
 * undefined where reading began.
 */
function assertFollows(
  prefix: string,
  { number, offset, previous }: CountingCheckpoint,
  before: CountingCheckpoint | undefined,
): void {
  if (previous === null || (previous.offset < offset && (before === undefined || previous.offset === before.offset)))
    return;
  throw tailLost(prefix, `its checkpoint ${number} follows one at offset ${previous.offset}, which is not there`);
}

/**
 * Counting is exact from a claim on; also from a checkpoint whose predecessor is of its own claim and lies in the window: its
 * writer had made sure that no other claim stood before that predecessor, and one behind it would have been met.
 */
function counterAt(record: LedgerRecord, from: number): CheckpointCounter | undefined {
  if (record.kind === 'claim') return new CheckpointCounter();
  if (record.kind === 'acceptance') return undefined;
  const { previous, claim, number, logId } = record;
  if (previous?.claim !== claim || previous.offset < from) return undefined;
  return new CheckpointCounter({ logId, claim, number: number - 1 });
}

/** The records of a claim, checkpoint or acceptance as appends to the checkpoints topic. */
export function ledgerAppends(prefix: string, record: NewLedgerRecord, now: () => number): Append[] {
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
      const [claim] = await readClaims(log, prefix, expected, span.base, signal);
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

/** A place in the log. */
export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Per partition the lowest offset that any checkpoint names; what a reader of the whole history needs. Control topics included. */
export async function lowestOffsets(log: Log, prefix: string, signal: AbortSignal): Promise<readonly LogPlace[]> {
  const { start, end } = await log.bounds(checkpointsTopic(prefix), 0, signal);
  const lowest = new Map<string, LogPlace>();
  const counter = new CheckpointCounter();
  const visit = (offset: number, record: LedgerRecord): void => {
    for (const { topic, partition, base } of counter.feed(offset, record)?.spans ?? []) {
      const known = lowest.get(`${topic}/${partition}`);
      if (known === undefined || base < known.offset)
        lowest.set(`${topic}/${partition}`, { topic, partition, offset: base });
    }
  };
  await visitLedger(log, prefix, start, end, visit, signal);
  return [{ topic: checkpointsTopic(prefix), partition: 0, offset: 0 }, ...lowest.values()];
}

/** Whether the topic still has the checkpoint that was applied last: a log that lost its end gives offsets out twice, and may have begun anew. */
export async function hasCheckpoint(
  log: Log,
  prefix: string,
  applied: CountFrom & { readonly checkpointOffset: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { checkpointOffset: offset, logId, claim, number } = applied;
  let found = false;
  const visit = (_: number, record: LedgerRecord): void => {
    const isOwn = record.kind === 'checkpoint' && record.logId === logId;
    found = isOwn && record.claim === claim && record.number === number;
  };
  await visitLedger(log, prefix, offset, offset + 1, visit, signal);
  return found;
}

/** Whether a first copy begins behind a checkpoint that counts: with one that is not consistent, has no records, and is the first of its claim. */
export async function copyFollows(
  log: Log,
  prefix: string,
  after: CountFrom & { readonly checkpointOffset: number },
  signal: AbortSignal,
): Promise<boolean> {
  const { end } = await log.bounds(checkpointsTopic(prefix), 0, signal);
  const counter = new CheckpointCounter(after);
  let found = false;
  const visit = (offset: number, record: LedgerRecord): void => {
    const checkpoint = counter.feed(offset, record);
    if (checkpoint !== undefined && beginsCopy(checkpoint)) found = true;
  };
  await visitLedger(log, prefix, after.checkpointOffset + 1, end, visit, signal);
  return found;
}

/** True for the first checkpoint of a claim under which everything is copied. Who goes on with a copy says in each how far it is. */
export function beginsCopy({ consistent, copy, claim, previous }: CountingCheckpoint): boolean {
  return !consistent && copy === undefined && previous?.claim !== claim;
}

/** Says that the log has forgotten what it promised to keep. */
export function tailLost(prefix: string, what: string): PositionLostError {
  return new PositionLostError(`The log of ${prefix} lost its tail: ${what}`, {
    advice:
      'Records that were confirmed are gone (an unclean leader election, or a disk that lies about fsync). ' +
      'Make a new replica by a snapshot: delete the connector with its slot and start it again under a new topic.prefix.',
  });
}
