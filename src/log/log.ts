import type { RecordSet } from './record-set.ts';

/** A topic as the log has it. `id` changes when the topic is deleted and created again. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  /** Effective settings that the log has (`cleanup.policy`, `retention.ms`, …); empty for a log without any. */
  readonly config: ReadonlyMap<string, string>;
}

/** How a topic is to be created; absent numbers are the log's own defaults. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor?: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Records for one partition. */
export interface Append {
  readonly topic: string;
  readonly partition: number;
  readonly records: RecordSet;
}

/** An exact range of offsets in one partition: what an append was given. */
export interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly base: number;
  readonly count: number;
}

/** What `publish` stored: the spans of the data, and of the checkpoint record(s), in the order in which they were given. */
export interface Published {
  readonly spans: readonly Span[];
  readonly checkpoint: readonly Span[];
}

/** Where to read on in one partition. */
export interface Cursor {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** About how much of this partition is wanted; without it each has an even share of what all may have, and some when there are many. */
  readonly maxBytes?: number;
}

/** Whole record batches of one partition, in Kafka's format v2; the first may begin before the offset that was asked for. */
export interface Fetched {
  readonly topic: string;
  readonly partition: number;
  /** One record batch after another, readable with `readBatches`. Empty when nothing was there in time. */
  readonly bytes: Buffer;
  /** The partition's first and next offsets when it answered. */
  readonly start: number;
  readonly end: number;
  /**
   * Gives back the memory of the whole answer, which several partitions may have their bytes in, once nobody reads any of them. Without
   * it that is garbage some day. To be called for one of the partitions only, and once: the memory may be another answer's by then.
   */
  readonly release?: (() => void) | undefined;
}

/**
 * What lies between source and sink: append, read and offsets of opaque bytes. Claims, checkpoints and counting are
 * `log/protocol`'s, the same for every log. Two implementations, one conformance suite (test/log/conformance.ts).
 */
export interface Log extends AsyncDisposable {
  /** Which cluster (or embedded log directory) this is: stands in claims and progress, so that another one is seen at once. */
  readonly clusterId: string;

  /** The topics of these names that exist; a missing one is absent from the map. */
  topics(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Topic>>;

  /** Creates what is missing, leaves what exists as it is. */
  createTopics(specs: readonly TopicSpec[], signal: AbortSignal): Promise<void>;

  /**
   * Stores every record durably, then what `checkpointOf` makes of their spans, durably too; a log that can do both in one
   * commit does. Tried once, one at a time (a second call before the first has ended is a bug). It succeeds only if every
   * partition answered with a base offset; whatever else happens the outcome is unknown and it throws TransientError
   * (Invariant 4). A record set that is larger than the topic takes is an OperatorError before anything is sent. Once it has succeeded the
   * memory of the records may be written to again: a log keeps nothing of it.
   */
  publish(
    appends: readonly Append[],
    checkpointOf: ((spans: readonly Span[]) => readonly Append[]) | undefined,
    signal: AbortSignal,
  ): Promise<Published>;

  /**
   * Reads whole record batches from every cursor, at most about `maxBytes` in all but always at least one batch where there is
   * one, whatever a cursor asks for. Waits up to `maxWaitMs` until any cursor has something. An offset outside the partition is an OperatorError
   * (history lost): never reset (PROTOCOL, sink 2). An unknown topic is an OperatorError too.
   */
  read(
    cursors: readonly Cursor[],
    maxBytes: number,
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Fetched[]>;

  /** The partition's first offset, and the one that its next record will be given. */
  bounds(
    topic: string,
    partition: number,
    signal: AbortSignal,
  ): Promise<{ readonly start: number; readonly end: number }>;

  /** Deletes the partition's records below `before` (Kafka's DeleteRecords). */
  trim(topic: string, partition: number, before: number, signal: AbortSignal): Promise<void>;

  /**
   * Says what a sink has durably applied: of the topics whose names begin with `scope`, `reader` needs nothing of these
   * partitions below their offsets any more, and all of the others. Of the checkpoints of `scope` it says more: what was stored before one that
   * it has released is applied or a stray. A log that owns its retention keeps what a reader still needs; one with retention of its own (Kafka)
   * has nothing to do.
   */
  release(reader: string, scope: string, cursors: readonly Cursor[], signal: AbortSignal): Promise<void>;
}
