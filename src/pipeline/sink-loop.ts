import type { Clock } from '../clock.ts';
import type { Converter } from '../converter/converter.ts';
import { OperatorError, TransientError, UncommittedError } from '../errors.ts';
import type { Cursor, Log } from '../log/log.ts';
import { CheckpointCounter, type CountingCheckpoint } from '../log/protocol/counter.ts';
import { checkpointsTopic, schemaChangesTopic } from '../log/protocol/topics.ts';
import type { Ownership, Progress, Sink, TopicFilter } from '../sink/sink.ts';
import { applyBatches } from './apply-batches.ts';
import { CheckpointReader } from './checkpoint-reader.ts';
import { type FilterPlan, planFilter } from './filter-change.ts';
import { GroupSize } from './group-size.ts';
import { assertSameTopics, historyLost } from './history-lost.ts';
import { isInterruption } from './interruption.ts';
import { type AppliedTimes, noteTimes } from './lag.ts';
import { beginsCopy, hasCheckpoint } from './ledger.ts';
import { partialIn } from './partial.ts';
import { ReadMemory } from './read-memory.ts';
import { enter, type Stage, wait } from './stage.ts';
import { SpanReader } from './span-reader.ts';
import { loadTableVersions, type TableVersions } from './table-versions.ts';
import { type Selection, selectionOf } from './topic-filter.ts';
import { verifyControlTopic } from './topics.ts';
import { failPoint } from '../failpoint.ts';

/** How far a running sink is, for people; kept by the caller across restarts. */
export interface SinkProgress extends AppliedTimes {
  state: 'starting' | 'applying';
  stage: Stage;
  applied: Progress | undefined;
}

export interface SinkLoopOptions {
  readonly sink: Sink;
  readonly log: Log;
  readonly converter: Converter;
  readonly clock: Clock;
  /** The sink connector's name: what it has applied is released under it. */
  readonly name: string;
  /** `topic.prefix` of the source that is replayed. */
  readonly prefix: string;
  /** Which of its topics are replayed. */
  readonly filter: TopicFilter;
  readonly fetchBytes: number;
  readonly chunkBytes: number;
  /** Several checkpoints go into one target transaction until they have this many records; fewer at the start of a run. */
  readonly groupRecords: number;
  readonly progress: SinkProgress;
}

/**
 * The first target transaction of a run has so many records, and each one after it may have twice as many: behind a backlog the replica moves as soon as
 * the sink is back, and one that is stopped again and again gets on all the same.
 */
const FIRST_GROUP_RECORDS = 500;
/** How often a commit is made durable, so that the log may forget what it covers. */
const RELEASE_MS = 10_000;

/**
 * Runs a sink connector: claims the target, reads its progress, and replays checkpoint by checkpoint until `signal`
 * aborts (then it resolves) or something fails (PROTOCOL, sink). Rows and progress share each target transaction (Invariant 5).
 */
export async function runSink(options: SinkLoopOptions, signal: AbortSignal): Promise<void> {
  const { progress, clock } = options;
  progress.state = 'starting';
  try {
    enter(progress, 'claiming', clock.now());
    const claimed = await options.sink.claim(signal);
    let replay: Replay | undefined;
    try {
      enter(progress, 'reading', clock.now());
      replay = await openReplay(options, claimed, signal);
      progress.state = 'applying';
      while (!signal.aborted) await replay.step(signal);
    } catch (error) {
      if (error instanceof OperatorError) await assertOwned(options.sink, replay?.owned ?? claimed, signal);
      throw error;
    }
  } catch (error) {
    if (!isInterruption(error, signal)) throw error;
  }
}

/** A zombie may find history trimmed that a newer owner has applied: being fenced is then what happened (V5). */
async function assertOwned(sink: Sink, owned: Ownership, signal: AbortSignal): Promise<void> {
  const transaction = await sink.begin(owned, signal);
  await transaction[Symbol.asyncDispose]();
}

async function openReplay(options: SinkLoopOptions, owned: Ownership, signal: AbortSignal): Promise<Replay> {
  const { log, prefix, name } = options;
  const topic = checkpointsTopic(prefix);
  const topics = await log.topics([topic, schemaChangesTopic(prefix)], signal);
  if (topics.size < 2 && owned.progress === undefined) {
    throw new TransientError(`Topic ${topic} does not exist yet: its source has not started`, {
      advice: `Start the source whose topic.prefix is ${prefix}, or correct the sink's topic.prefix. It is looked for again.`,
    });
  }
  verifyControlTopic(topic, topics.get(topic));
  const ids = new Map([...topics].map(([key, { id }]) => [key, id]));
  const { progress } = owned;
  const { start, end } = await log.bounds(topic, 0, signal);
  if (progress !== undefined) {
    assertSameTopics(progress.topicIds, ids);
    if (progress.clusterId !== log.clusterId)
      throw historyLost(prefix, `progress belongs to cluster ${progress.clusterId}`);
    if (progress.checkpointOffset >= end) throw historyLost(prefix, `it ends at ${end}, below what was applied`);
    if (progress.checkpointOffset + 1 < start)
      throw historyLost(prefix, `it begins at ${start}, after what was applied`);
    if (progress.checkpointOffset >= start && !(await hasCheckpoint(log, prefix, progress, signal)))
      throw historyLost(prefix, `offset ${progress.checkpointOffset} is not the checkpoint that was applied`);
  }
  const offset = progress === undefined ? start : progress.checkpointOffset + 1;
  await log.release(name, `${prefix}.`, [{ topic, partition: 0, offset }], signal);
  // What is applied from here on counts under the claim of the last checkpoint that was applied, or under a later one.
  const versions = await loadTableVersions(log, prefix, progress?.claim ?? 0, signal);
  const plan = await planFilter(options, progress, signal);
  return new Replay(options, owned, plan, versions, ids, offset);
}

/** Reads checkpoints from an offset on and applies them in groups. */
class Replay {
  readonly #options: SinkLoopOptions;
  readonly #versions: TableVersions;
  readonly #counter: CheckpointCounter;
  readonly #topicIds: Map<string, string>;
  readonly #applied = new Map<string, Cursor>();
  readonly #kept: ReadMemory;
  readonly #checkpoints: CheckpointReader;
  #owned: Ownership;
  #plan: FilterPlan;
  #selection: Selection;
  #releasedAt: number;
  #groupRecords: number;

  constructor(
    options: SinkLoopOptions,
    owned: Ownership,
    plan: FilterPlan,
    versions: TableVersions,
    topicIds: Map<string, string>,
    offset: number,
  ) {
    this.#options = options;
    this.#owned = owned;
    this.#plan = plan;
    this.#selection = selectionOf(options.prefix, plan.now);
    this.#versions = versions;
    this.#kept = new ReadMemory(options);
    this.#topicIds = topicIds;
    this.#counter = new CheckpointCounter(owned.progress);
    const onForeign = (signal: AbortSignal): Promise<void> => this.#assertSameLog(signal);
    this.#checkpoints = new CheckpointReader({ ...options, onForeign }, this.#counter, this.#kept, offset);
    this.#releasedAt = options.clock.monotonic();
    this.#groupRecords = Math.min(FIRST_GROUP_RECORDS, options.groupRecords);
  }

  /** What this process owns, with the progress that it has committed. */
  get owned(): Ownership {
    return this.#owned;
  }

  /** Waits for checkpoints, and applies all that are there. */
  async step(signal: AbortSignal): Promise<void> {
    const { progress, clock } = this.#options;
    wait(progress, 'waiting for checkpoints', clock.now());
    const checkpoints = await this.#checkpoints.read(signal);
    if (checkpoints.length === 0) progress.applying = 0;
    else failPoint('sink.checkpoints-read');
    let group: CountingCheckpoint[] = [];
    let size = new GroupSize();
    for (const checkpoint of checkpoints) {
      this.#assertFollows(checkpoint, group.at(-1));
      group.push(checkpoint);
      size.add(checkpoint);
      if (!size.isEnough(this.#groupRecords) && !this.#beginsAnew(checkpoint, group.at(-2))) continue;
      await this.#applyOrSplit(group, signal);
      group = [];
      size = new GroupSize();
    }
    if (group.length > 0) await this.#applyOrSplit(group, signal);
  }

  /** The source was reset: committed alone, so that the copy that follows finds a target that is not consistent any more. */
  #beginsAnew(checkpoint: CountingCheckpoint, before: CountingCheckpoint | undefined): boolean {
    if (this.#plan.fromCopy !== undefined && beginsCopy(checkpoint)) return true;
    return !checkpoint.consistent && (before ?? this.#owned.progress)?.consistent === true;
  }

  /** A checkpoint's predecessor must be the one applied last, and positions never fall (PROTOCOL, sink 1 and 2). */
  #assertFollows({ previous, position, number }: CountingCheckpoint, inGroup: CountingCheckpoint | undefined): void {
    const { progress } = this.#owned;
    const last = inGroup ?? (progress && { ...progress, offset: progress.checkpointOffset });
    const { prefix } = this.#options;
    // The number tells apart what was given one offset twice, by a log that lost its tail.
    const isNext = number === (last?.number ?? -1) + 1;
    if (
      !isNext ||
      previous?.offset !== last?.offset ||
      previous?.claim !== last?.claim ||
      previous?.position !== last?.position
    ) {
      throw historyLost(prefix, `checkpoint ${number} does not follow the one that was applied last`);
    }
    if (last !== undefined && position < last.position) {
      throw historyLost(prefix, `checkpoint ${number} falls back from ${last.position} to ${position}`);
    }
  }

  /** A group that holds what must be committed before it is used is applied checkpoint by checkpoint. */
  async #applyOrSplit(group: readonly CountingCheckpoint[], signal: AbortSignal): Promise<void> {
    await this.#apply(group, signal).catch(async (error: unknown) => {
      if (!(error instanceof UncommittedError) || group.length === 1) throw error;
      for (const checkpoint of group) await this.#apply([checkpoint], signal);
    });
  }

  /** Applies whole checkpoints in one target transaction, never one in two (PROTOCOL, sink 5). */
  async #apply(group: readonly CountingCheckpoint[], signal: AbortSignal): Promise<void> {
    const { sink, clock, progress: shown } = this.#options;
    const at = (stage: string): void => enter(shown, stage, clock.now());
    shown.applying = group.find(({ committedAt }) => committedAt > 0)?.committedAt ?? 0;
    at('reading');
    for (const { topicIds } of group) await this.#checkTopics(topicIds, signal);
    const last = group.at(-1) as CountingCheckpoint;
    const durable = clock.monotonic() - this.#releasedAt >= RELEASE_MS;
    const progress = this.#progressAt(last);
    const read = { ...this.#options, ...this.#selection, versions: this.#versions };
    const reader = new SpanReader(read, group, this.#kept);
    await applyBatches(reader, { sink, owned: this.#owned, progress, durable }, at, signal);
    this.#owned = { epoch: this.#owned.epoch, progress };
    this.#versions.forgetBefore(progress.claim);
    shown.applied = progress;
    noteTimes(shown, group, clock.now());
    this.#noteApplied(group);
    this.#plan = this.#planAfter(last);
    this.#selection = selectionOf(this.#options.prefix, this.#plan.now);
    this.#groupRecords = Math.min(2 * this.#groupRecords, this.#options.groupRecords);
    if (durable) await this.#release(signal);
  }

  /** Where a copy follows it has all rows of what the filter takes in now. */
  #planAfter(checkpoint: CountingCheckpoint): FilterPlan {
    const { fromCopy } = this.#plan;
    return fromCopy !== undefined && beginsCopy(checkpoint) ? { now: fromCopy, fromCopy: undefined } : this.#plan;
  }

  #progressAt(checkpoint: CountingCheckpoint): Progress {
    const { claim, number, offset, position, consistent } = checkpoint;
    return {
      logId: this.#counter.logId as string,
      clusterId: this.#options.log.clusterId,
      claim,
      number,
      checkpointOffset: offset,
      position,
      consistent,
      topicIds: Object.fromEntries(this.#topicIds),
      filter: this.#planAfter(checkpoint).now,
      ...partialIn(checkpoint, this.#selection),
    };
  }

  /** The ids that the checkpoint names are those that the log has: nobody has put other topics in their place. */
  async #checkTopics(expected: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const unknown = Object.keys(expected).filter((topic) => !this.#topicIds.has(topic));
    if (unknown.length > 0) {
      const topics = await this.#options.log.topics(unknown, signal);
      for (const [topic, { id }] of topics) this.#topicIds.set(topic, id);
    }
    assertSameTopics(expected, this.#topicIds);
  }

  /** A topic that was made again while it was read goes on as another log, of which nothing would count. */
  async #assertSameLog(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const topics = await log.topics([...this.#topicIds.keys()], signal);
    const ids = new Map([...topics].map(([name, { id }]) => [name, id]));
    assertSameTopics(Object.fromEntries(this.#topicIds), ids);
  }

  #noteApplied(group: readonly CountingCheckpoint[]): void {
    const { offset } = group.at(-1) as CountingCheckpoint;
    const topic = checkpointsTopic(this.#options.prefix);
    this.#applied.set(topic, { topic, partition: 0, offset: offset + 1 });
    for (const { spans } of group) {
      for (const { topic: name, partition, base, count } of spans) {
        this.#applied.set(`${name}/${partition}`, { topic: name, partition, offset: base + count });
      }
    }
  }

  async #release(signal: AbortSignal): Promise<void> {
    const { log, name, prefix, clock } = this.#options;
    await log.release(name, `${prefix}.`, [...this.#applied.values()], signal);
    this.#releasedAt = clock.monotonic();
    failPoint('sink.released');
  }
}
