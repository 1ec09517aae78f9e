import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OperatorError, PositionLostError, TransientError } from '../../errors.ts';
import { shareOf } from '../fetch-share.ts';
import type { Append, Cursor, Fetched, Log, Published, Span, Topic, TopicSpec } from '../log.ts';
import { Catalog, type StoredTopic } from './catalog.ts';
import { CommitPlan } from './commit-plan.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import type { OwnedDirectory } from './durable-file.ts';
import { keepOthersOut } from './keep-out.ts';
import { Releases } from './releases.ts';
import { Retention, startOf } from './retention.ts';
import { Segments } from './segments.ts';
import { UnderWay } from './under-way.ts';
import { Wakeups } from './wakeups.ts';
import { failPoint } from '../../failpoint.ts';

/** How an embedded log is to be opened; what it holds does not depend on it. */
export interface EmbeddedLogOptions {
  /** A new segment is begun when the present one has this many bytes; released records go a segment at a time. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** The most that one record batch may have, in topics without `max.message.bytes`. Default 256 MiB. */
  readonly maxBatchBytes?: number;
  /** Ends the wait for the lock of a process that cannot be looked at (another container), at most ten seconds. */
  readonly signal?: AbortSignal;
}

const DEFAULT_SEGMENT_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_BATCH_BYTES = 256 * 1024 * 1024;

/** A log in the files of one directory, for one process: one partition per topic, everything of a publish in one commit. */
export interface EmbeddedLog extends Log {
  readonly directory: string;
  /** True after a write that failed, or when closed: only opening the directory again can tell what is stored. */
  readonly isBroken: boolean;
  /** Who has ever released something; their needs hold records back. */
  readonly readers: readonly string[];
  /** A reader that is gone for good (a deleted sink) holds nothing back any more. */
  forget(reader: string, signal: AbortSignal): Promise<void>;
}

/**
 * Opens the log in `directory`, which is created when it does not exist, and recovers it from a crash. OperatorError when
 * another process has it open, when it is damaged, or when a newer version wrote it.
 */
export async function openEmbeddedLog(directory: string, options: EmbeddedLogOptions = {}): Promise<EmbeddedLog> {
  const path = resolve(directory);
  await mkdir(path, { recursive: true });
  const lock = await lockDirectory(path, options.signal);
  failPoint('log.locked');
  try {
    await keepOthersOut(lock);
    const releases = await Releases.read(lock);
    const segments = await Segments.open(lock, options.segmentBytes ?? DEFAULT_SEGMENT_BYTES, releases.storedMark);
    failPoint('log.recovered');
    const catalog = await openCatalog(lock, segments);
    if (segments.isNew) await releases.save(segments.mark);
    const maxBatchBytes = options.maxBatchBytes ?? DEFAULT_MAX_BATCH_BYTES;
    return new SegmentLog(maxBatchBytes, lock, catalog, segments, releases);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Closes the segments when the catalog does not fit them. */
async function openCatalog(directory: OwnedDirectory, segments: Segments): Promise<Catalog> {
  try {
    return await Catalog.open(directory, segments.isNew);
  } catch (error) {
    await segments.close();
    throw error;
  }
}

class SegmentLog implements EmbeddedLog {
  readonly #maxBatchBytes: number;
  readonly #lock: DirectoryLock;
  readonly #segments: Segments;
  readonly #releases: Releases;
  readonly #retention: Retention;
  readonly #wakeups = new Wakeups();
  #catalog: Catalog;
  #isPublishing = false;
  #isClosed = false;
  /** Why this log can no longer be used. */
  #failure: TransientError | undefined;
  readonly #underWay = new UnderWay();
  #reads = 0;

  constructor(maxBatchBytes: number, lock: DirectoryLock, catalog: Catalog, segments: Segments, releases: Releases) {
    this.#maxBatchBytes = maxBatchBytes;
    this.#lock = lock;
    this.#catalog = catalog;
    this.#segments = segments;
    this.#releases = releases;
    this.#retention = new Retention(lock, segments, releases);
  }

  get directory(): string {
    return this.#lock.path;
  }

  get clusterId(): string {
    return this.#catalog.clusterId;
  }

  get isBroken(): boolean {
    return this.#failure !== undefined;
  }

  get readers(): readonly string[] {
    return this.#releases.readers;
  }

  async topics(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Topic>> {
    this.#requireUsable(signal);
    const found = new Map<string, Topic>();
    for (const name of names) {
      const stored = this.#catalog.topics.get(name);
      if (stored !== undefined) found.set(name, stored.topic);
    }
    return found;
  }

  async createTopics(specs: readonly TopicSpec[], signal: AbortSignal): Promise<void> {
    await this.#keepHouse(signal, async () => {
      const isNew = specs.some(({ name }) => !this.#catalog.topics.has(name));
      if (isNew) failPoint('log.before-topics');
      this.#catalog = await this.#catalog.withTopics(this.#lock, specs);
      if (isNew) failPoint('log.topics-created');
    });
  }

  async publish(
    appends: readonly Append[],
    checkpointOf: ((spans: readonly Span[]) => readonly Append[]) | undefined,
    signal: AbortSignal,
  ): Promise<Published> {
    this.#requireUsable(signal);
    if (this.#isPublishing) throw new Error('A publish was begun before the previous one had ended');
    const plan = new CommitPlan(
      ({ topic, partition }) => this.#topic(topic, partition),
      (topic) => this.#segments.end(topic),
      this.#maxBatchBytes,
    );
    const spans = appends.map((append) => plan.add(append));
    const checkpoint = checkpointOf?.(spans).map((append) => plan.add(append)) ?? [];
    if (plan.batches.length > 0) await this.#underWay.add(this.#commit(plan));
    return { spans, checkpoint };
  }

  async read(
    cursors: readonly Cursor[],
    maxBytes: number,
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Fetched[]> {
    const deadline = performance.now() + maxWaitMs;
    for (;;) {
      this.#requireUsable(signal);
      const ends = cursors.map((cursor) => this.#locate(cursor).end);
      const waitMs = deadline - performance.now();
      if (waitMs <= 0 || cursors.some(({ offset }, i) => offset < (ends[i] as number))) {
        return await this.#underWay.add(this.#fetch(cursors, maxBytes, signal));
      }
      await this.#wakeups.wait(waitMs, signal);
    }
  }

  async bounds(topic: string, partition: number, signal: AbortSignal): Promise<{ start: number; end: number }> {
    this.#requireUsable(signal);
    return this.#bounds(this.#topic(topic, partition));
  }

  async trim(topic: string, partition: number, before: number, signal: AbortSignal): Promise<void> {
    const { end } = this.#bounds(this.#topic(topic, partition));
    if (before > end) throw new OperatorError(`Topic "${topic}" ends at ${end} and cannot be trimmed to ${before}`);
    await this.#keepHouse(signal, async () => {
      this.#releases.trim(topic, before);
      await this.#releases.save(this.#segments.mark);
      await this.#retention.run(this.#catalog.topics);
    });
  }

  async release(reader: string, scope: string, cursors: readonly Cursor[], signal: AbortSignal): Promise<void> {
    for (const { topic, partition } of cursors) this.#topic(topic, partition);
    await this.#keepHouse(signal, async () => {
      // A reader must be known after a crash; what it released needs to be stored only before something is deleted.
      if (this.#releases.release(reader, scope, cursors)) await this.#releases.save(this.#segments.mark);
      await this.#retention.run(this.#catalog.topics);
    });
  }

  async forget(reader: string, signal: AbortSignal): Promise<void> {
    await this.#keepHouse(signal, async () => {
      if (this.#releases.forget(reader)) await this.#releases.save(this.#segments.mark);
      await this.#retention.run(this.#catalog.topics);
    });
  }

  /** Ends what is under way, wakes up those who wait with a TransientError, and lets the next process in. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const isWhole = this.#failure === undefined;
    this.#failure = new TransientError(`Embedded log "${this.directory}" is closed`);
    this.#wakeups.fail(this.#failure);
    await this.#underWay.settled();
    // Who has lost the directory has nothing to say there any more.
    if (isWhole && (await this.#lock.isHeld())) await this.#releases.save(this.#segments.mark);
    await this.#segments.close();
    await this.#lock.release();
  }

  async #commit(plan: CommitPlan): Promise<void> {
    this.#isPublishing = true;
    try {
      await this.#lock.verify();
      const { segment } = this.#segments.mark;
      await this.#segments.commit(plan.batches, plan.body);
      // Else nobody would miss the last segment, if it were lost.
      if (this.#segments.mark.segment > segment)
        await this.#underWay.inTurn(() => this.#releases.save(this.#segments.mark));
      await this.#lock.verify(); // else it may stand where nobody reads any more
      this.#wakeups.wake();
    } catch (cause) {
      // Invariant 4: the outcome is unknown, and only opening the log again can tell.
      this.#failure ??= new TransientError(`Embedded log "${this.directory}" could not store records`, {
        cause,
        advice:
          'It is opened again by itself. Check the disk, its free space and the limit of open files when this repeats.',
      });
      this.#wakeups.fail(this.#failure);
      throw this.#failure;
    } finally {
      this.#isPublishing = false;
    }
  }

  /** Asks every cursor's file in turn while there is room; each read begins with another cursor, so that none starves. */
  async #fetch(cursors: readonly Cursor[], maxBytes: number, signal: AbortSignal): Promise<Fetched[]> {
    const fetched: Fetched[] = [];
    let left = maxBytes;
    const first = this.#reads++;
    for (let i = 0; i < cursors.length; i++) {
      const cursor = cursors[(first + i) % cursors.length] as Cursor;
      const { topic, partition, offset } = cursor;
      const { number, start, end } = this.#locate(cursor);
      const isServed = offset < end && (left > 0 || left === maxBytes);
      const share = Math.min(left, shareOf(cursor, cursors.length, maxBytes));
      const bytes = isServed ? await this.#segments.fetch(number, offset, share) : Buffer.alloc(0);
      left -= bytes.length;
      fetched.push({ topic, partition, bytes, start, end });
      signal.throwIfAborted();
    }
    return fetched;
  }

  /** The cursor's topic number and bounds; OperatorError when it lies outside of them. */
  #locate(cursor: Cursor): { number: number; start: number; end: number } {
    const stored = this.#topic(cursor.topic, cursor.partition);
    const { start, end } = this.#bounds(stored);
    if (cursor.offset >= start && cursor.offset <= end) return { number: stored.number, start, end };
    throw new PositionLostError(
      `History lost: topic "${cursor.topic}" of the embedded log has offsets ${start} to ${end}, not ${cursor.offset}`,
      { advice: 'The directory was replaced by an older or another one, or trimmed. Start with a new snapshot.' },
    );
  }

  #bounds(stored: StoredTopic): { start: number; end: number } {
    return { start: startOf(stored, this.#segments, this.#releases), end: this.#segments.end(stored.number) };
  }

  #topic(name: string, partition: number): StoredTopic {
    const stored = this.#catalog.topics.get(name);
    if (stored !== undefined && partition === 0) return stored;
    throw new OperatorError(`Topic "${name}" with partition ${partition} does not exist in the embedded log`, {
      advice: 'Every topic of an embedded log has one partition, 0. Check the name of the topic.',
    });
  }

  /** Runs `work` after what was asked for earlier. When it fails nothing is lost, and the same may be asked for again. */
  async #keepHouse(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    this.#requireUsable(signal);
    const run = async (): Promise<void> => {
      this.#requireUsable(signal);
      await this.#lock.verify();
      await work();
    };
    await this.#underWay.inTurn(run).catch((cause: unknown) => {
      if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
      throw new TransientError(`Files of the embedded log "${this.directory}" could not be changed`, { cause });
    });
  }

  #requireUsable(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
  }
}
