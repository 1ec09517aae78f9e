import type { CopyRequests } from '../../change/copy-request.ts';
import type { CopyState } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import { OperatorError } from '../../errors.ts';
import type { Span } from '../log.ts';
import { isJsonObject } from '../../json.ts';
import { isLedgerRecord } from './record-shape.ts';

/** What every record of the checkpoints topic repeats, because the first one may have been trimmed. */
export interface Stamp {
  /** Random id of this log of one source, made with its first record. */
  readonly logId: string;
  /** Random, so that a record that is stored twice at different times can be told from its copy. */
  readonly nonce: string;
}

/** The record by which a source becomes the writer. Its offset is the epoch (A1). */
export interface Claim extends Stamp {
  readonly kind: 'claim';
  readonly daemon: string;
  /** The incarnation: the topic's end when the process booted, and a random id. */
  readonly booted: number;
  readonly id: string;
  /** Milliseconds since 1970, for people. */
  readonly at: number;
  readonly slot: string;
  /** The claimer may create the slot: nothing was promised before. */
  readonly creating: boolean;
  readonly system: string;
  readonly timeline: number;
  readonly publication: string;
  readonly clusterId: string;
  /** What the source captures under this claim (S2); absent in claims of a Rowcast that did not store it. */
  readonly capture?: ClaimedCapture;
}

/** The include and exclude lists of the source by the names of their settings, and the ids of the captured tables, if not too many. */
export interface ClaimedCapture {
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly tables?: readonly number[];
}

/** Points at the last counting checkpoint before: offset of its last part, its claim and position. */
export interface Previous {
  readonly offset: number;
  readonly claim: number;
  readonly position: Position;
}

/** A position and the spans that lead to it. Larger ones are continued in parts and count with their last part. */
export interface Checkpoint extends Stamp {
  readonly kind: 'checkpoint';
  readonly claim: number;
  /** Counts the checkpoints of this log, from 0. */
  readonly number: number;
  readonly previous: Previous | null;
  readonly position: Position;
  /** Records in all spans of the checkpoint (all parts). */
  readonly records: number;
  /** This part's spans, in the order in which they were appended. */
  readonly spans: readonly Span[];
  /** Ids of the topics that the spans name. */
  readonly topicIds: Readonly<Record<string, string>>;
  /** Commit time of the last transaction, milliseconds since 1970; 0 when there is none. */
  readonly committedAt: number;
  readonly consistent: boolean;
  /** How far the first copy is, while it can be gone on with. */
  readonly copy?: CopyState | undefined;
  /** Copies that are made while the stream goes on; of their tables a replica has only a part. Absent: none. */
  readonly requests?: CopyRequests | undefined;
  /** Where the topic of signals is read on; absent before the first one. */
  readonly signals?: number | undefined;
  readonly part: number;
  readonly last: boolean;
}

/**
 * An operator's word that the source may go on although it does not follow from the last checkpoint: after a failover, an upgrade, or a
 * slot that was moved. It holds for exactly this identity, slot and checkpoint, so for one start: the next checkpoint ends it.
 * A Rowcast that does not know this kind passes over it, and stops as it would without it.
 */
export interface Acceptance extends Stamp {
  readonly kind: 'acceptance';
  /** Offset of the last counting checkpoint. */
  readonly checkpoint: number;
  readonly slot: string;
  /** Where the slot stood. */
  readonly confirmed: Position;
  readonly system: string;
  readonly timeline: number;
  readonly publication: string;
  /** Milliseconds since 1970, for people. */
  readonly at: number;
}

export type LedgerRecord = Claim | Checkpoint | Acceptance;

/**
 * The highest first byte of a record of a control topic. A reader stops at a higher version and ignores fields that it does not know. 2: a
 * checkpoint that names copies while streaming; who passes over those takes a part of a table for the table.
 */
export const RECORD_VERSION = 2;

/** Checkpoints above this size are continued in another record, well below max.message.bytes. */
const PART_BYTES = 512 * 1024;
/** A span's JSON is below this. */
const SPAN_BYTES = 64;

/** A control record's value: version byte, then JSON. */
export function encodeJson(value: unknown, version: 1 | 2 = 1): Buffer {
  return Buffer.from(String.fromCharCode(version) + JSON.stringify(value));
}

/** The JSON of a control record's value; undefined for bytes that no version of Rowcast wrote (a foreign writer's). */
export function decodeJson(bytes: Buffer, topic: string): Record<string, unknown> | undefined {
  const version = bytes[0] as number;
  if (bytes.length < 3 || version === 0 || version > 31 || bytes[1] !== 0x7b) return undefined;
  if (version > RECORD_VERSION) {
    throw new OperatorError(
      `Topic ${topic} holds records of format ${version}, this Rowcast reads format ${RECORD_VERSION}`,
      {
        advice: 'A newer Rowcast has written here: start the newer Rowcast.',
      },
    );
  }
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', 1));
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // not ours: no writer of Rowcast stores half a record
    throw error;
  }
}

/** A record to be stored; a checkpoint's parts are made of its spans. */
export type NewLedgerRecord = Claim | Acceptance | Omit<Checkpoint, 'part' | 'last' | 'records'>;

/** The values that store a record: one per part for a checkpoint, else one. */
export function encodeLedgerRecord(record: NewLedgerRecord): Buffer[] {
  if (record.kind !== 'checkpoint') return [encodeJson(record)];
  const perPart = Math.floor(PART_BYTES / SPAN_BYTES);
  const parts = Math.max(1, Math.ceil(record.spans.length / perPart));
  const records = record.spans.reduce((sum, span) => sum + span.count, 0);
  return Array.from({ length: parts }, (_, part) => {
    const spans = record.spans.slice(part * perPart, (part + 1) * perPart);
    const byTopic = numbersByTopic(spans);
    const value = {
      ...record,
      records,
      topicIds: Object.fromEntries([...byTopic.keys()].map((name) => [name, record.topicIds[name]])),
      spans: [...byTopic],
      part,
      last: part === parts - 1,
    };
    return encodeJson(value, record.requests === undefined ? 1 : 2);
  });
}

/** Three numbers of each span. */
function numbersByTopic(spans: readonly Span[]): Map<string, number[]> {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition, base, count } of spans) {
    const numbers = byTopic.get(topic);
    if (numbers === undefined) byTopic.set(topic, [partition, base, count]);
    else numbers.push(partition, base, count);
  }
  return byTopic;
}

/** Reads a record of the checkpoints topic; undefined for foreign bytes, also for those that only look like a record. */
export function decodeLedgerRecord(bytes: Buffer, topic: string): LedgerRecord | undefined {
  const json = decodeJson(bytes, topic);
  if (json === undefined || !isLedgerRecord(json)) return undefined;
  if (json.kind !== 'checkpoint') return json as unknown as Claim | Acceptance;
  const spans: Span[] = [];
  for (const [name, numbers] of json.spans as [string, number[]][]) {
    for (let i = 0; i + 2 < numbers.length; i += 3) {
      spans.push({
        topic: name,
        partition: numbers[i] as number,
        base: numbers[i + 1] as number,
        count: numbers[i + 2] as number,
      });
    }
  }
  return { ...json, spans } as unknown as Checkpoint;
}
