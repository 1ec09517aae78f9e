import type { Append, Cursor, Fetched, Log, Published, Span, Topic, TopicSpec } from '../../../src/log/log.ts';
import type { RecordBatch } from '../../../src/log/record-set.ts';
import type { Fate, Process } from '../process.ts';
import { fateOf } from './hazards.ts';
import type { Partition, Storage } from './storage.ts';
import type { World } from './world.ts';

/** The log of one process: every partition behind a connection of its own, so that appends overtake each other. */
export class ModelLog implements Log {
  readonly #world: World;
  readonly #process: Process;
  /** Stores data and checkpoint in one commit, as the embedded log does. */
  readonly #isAtomic: boolean;
  #isPublishing = false;

  constructor(world: World, process: Process, isAtomic: boolean) {
    this.#world = world;
    this.#process = process;
    this.#isAtomic = isAtomic;
  }

  get clusterId(): string {
    return this.#world.storage.clusterId;
  }

  topics(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Topic>> {
    return this.#ask('log.topics', signal, () => {
      const found = new Map<string, Topic>();
      for (const name of names) {
        const topic = this.#world.storage.topics.get(name)?.topic;
        if (topic) found.set(name, topic);
      }
      return found;
    });
  }

  createTopics(specs: readonly TopicSpec[], signal: AbortSignal): Promise<void> {
    return this.#ask('log.create', signal, () => {
      for (const spec of specs) this.#world.storage.create(spec);
    });
  }

  async publish(
    appends: readonly Append[],
    checkpointOf: ((spans: readonly Span[]) => readonly Append[]) | undefined,
    signal: AbortSignal,
  ): Promise<Published> {
    if (this.#isPublishing) this.#world.violation('publish was called before the one before had ended');
    this.#isPublishing = true;
    try {
      if (this.#isAtomic) return await this.#publishAtOnce(appends, checkpointOf, signal);
      const answers = await Promise.all(appends.map((append) => this.#produce(append, signal)));
      const spans = answers.flat();
      const checkpoint: Span[] = [];
      for (const append of checkpointOf?.(spans) ?? []) checkpoint.push(...(await this.#produce(append, signal)));
      return { spans, checkpoint };
    } finally {
      this.#isPublishing = false;
    }
  }

  /** One request after another for the batches of one partition. */
  async #produce({ topic, partition, records }: Append, signal: AbortSignal): Promise<Span[]> {
    const spans: Span[] = [];
    for (const batch of records.batches) {
      const sent: RecordBatch = { bytes: Buffer.from(batch.bytes), count: batch.count };
      const fate = this.#produceFate();
      if (fate !== 'answered') this.#world.count(`produce ${fate}`);
      const { storage } = this.#world;
      spans.push(
        await this.#process.call('log.produce', () => storage.append(storage.partition(topic, partition), sent), {
          signal,
          fate,
        }),
      );
    }
    return spans;
  }

  #publishAtOnce(
    appends: readonly Append[],
    checkpointOf: ((spans: readonly Span[]) => readonly Append[]) | undefined,
    signal: AbortSignal,
  ): Promise<Published> {
    const { storage } = this.#world;
    const store = ({ topic, partition, records }: Append): Span[] =>
      records.batches.map((batch) => storage.append(storage.partition(topic, partition), batch));
    const fate = this.#produceFate();
    return this.#process.call(
      'log.commit',
      () => {
        const spans = appends.flatMap(store);
        return { spans, checkpoint: (checkpointOf?.(spans) ?? []).flatMap(store) };
      },
      { signal, fate: fate === 'late' ? 'lost' : fate },
    );
  }

  #produceFate(): Fate {
    const { random, hazards } = this.#world;
    return fateOf(random, hazards.logLost, hazards.logUnanswered, hazards.logLate);
  }

  read(
    cursors: readonly Cursor[],
    _maxBytes: number,
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Fetched[]> {
    const { storage, scheduler } = this.#world;
    return this.#process.converse<readonly Fetched[]>(
      'log.read',
      (resolve, reject) => {
        const look = (isLast: boolean): void => {
          try {
            const { found, fetched } = storage.fetch(cursors);
            if (found || isLast) resolve(inOneMemory(fetched));
            else wait();
          } catch (error) {
            reject(error);
          }
        };
        const deadline = scheduler.now + maxWaitMs;
        const wait = (): void => {
          const timer = scheduler.timer(deadline - scheduler.now, 'log.read timeout', this.#process.id, () => {
            forget();
            look(true);
          });
          const forget = storage.onNextAppend(() => {
            timer.cancelled = true;
            scheduler.post('log.read wake', this.#process.id, () => look(false));
          });
        };
        look(maxWaitMs <= 0);
      },
      { signal, fate: this.#readFate() },
    );
  }

  bounds(
    topic: string,
    partition: number,
    signal: AbortSignal,
  ): Promise<{ readonly start: number; readonly end: number }> {
    return this.#ask('log.bounds', signal, () => {
      const { start, end } = this.#world.storage.partition(topic, partition);
      return { start, end };
    });
  }

  trim(topic: string, partition: number, before: number, signal: AbortSignal): Promise<void> {
    return this.#ask('log.trim', signal, () => this.#world.storage.partition(topic, partition).trim(before));
  }

  release(reader: string, scope: string, cursors: readonly Cursor[], signal: AbortSignal): Promise<void> {
    return this.#ask('log.release', signal, () => {
      this.#world.retention.release(reader, scope, cursors);
      this.#world.released();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #ask<T>(kind: string, signal: AbortSignal, apply: () => T): Promise<T> {
    return this.#process.call(kind, apply, { signal, fate: this.#readFate() });
  }

  #readFate(): Fate {
    const { random, hazards } = this.#world;
    return fateOf(random, hazards.logRead, hazards.logRead, 0);
  }
}

/** What readers have released, and what retention may therefore delete: at least what the embedded log would. */
export class Retention {
  readonly #readers = new Map<string, { readonly scope: string; readonly offsets: Map<string, number> }>();

  release(reader: string, scope: string, cursors: readonly Cursor[]): void {
    const known = this.#readers.get(reader) ?? { scope, offsets: new Map<string, number>() };
    this.#readers.set(reader, known);
    for (const { topic, partition, offset } of cursors) known.offsets.set(`${topic}/${partition}`, offset);
  }

  /**
   * The offset below which nobody needs this partition any more. A reader needs nothing below what it has named, and nothing that was stored before the
   * last checkpoint that it has.
   */
  limit(partition: Partition, storage: Storage): number {
    const { topic, number } = partition;
    const limits: number[] = [];
    for (const { scope, offsets } of this.#readers.values()) {
      if (!topic.startsWith(scope)) continue;
      const checkpoints = storage.partition(`${scope}checkpoints`, 0);
      const last = (offsets.get(`${checkpoints.topic}/0`) ?? 0) - 1;
      limits.push(Math.max(offsets.get(`${topic}/${number}`) ?? 0, partition.endAt(checkpoints.placeOf(last))));
    }
    return limits.length > 0 ? Math.min(...limits) : 0;
  }
}

/** The bytes of all partitions in one memory, as they come from a broker. It is written over as soon as it is given back: nobody reads it any more. */
function inOneMemory(fetched: readonly Fetched[]): Fetched[] {
  const memory = Buffer.allocUnsafeSlow(fetched.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const release = (): void => void memory.fill(0xff);
  let end = 0;
  return fetched.map((each) => {
    const start = end;
    end += each.bytes.copy(memory, start);
    return { ...each, bytes: memory.subarray(start, end), release };
  });
}
