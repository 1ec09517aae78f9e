import { OperatorError } from '../../../src/errors.ts';
import type { Cursor, Fetched, Span, Topic, TopicSpec } from '../../../src/log/log.ts';
import { RecordReader } from '../../../src/log/record-reader.ts';
import { type RecordBatch, RecordSetWriter, setBaseOffset } from '../../../src/log/record-set.ts';
import type { Random } from '../../../src/torture/random.ts';

/** A record batch that has its offset. */
export interface StoredBatch {
  readonly base: number;
  readonly count: number;
  readonly bytes: Buffer;
  /** How many batches were stored before, in whatever partition. */
  readonly at: number;
}

/** One partition as its leader has it. */
export class Partition {
  readonly topic: string;
  readonly number: number;
  readonly batches: StoredBatch[] = [];
  start = 0;
  end = 0;

  constructor(topic: string, number: number) {
    this.topic = topic;
    this.number = number;
  }

  /** The whole batches from the one that holds `offset` on, as many as `limit` says. */
  from(offset: number, limit: number): Buffer {
    const first = this.batches.findLastIndex((batch) => batch.base <= offset);
    return Buffer.concat(this.batches.slice(Math.max(first, 0), Math.max(first, 0) + limit).map(({ bytes }) => bytes));
  }

  /** How many batches were stored anywhere before the one that holds `offset`; 0 when there is none. */
  placeOf(offset: number): number {
    return this.batches.find(({ base, count }) => base <= offset && offset < base + count)?.at ?? 0;
  }

  /** The offset behind what was stored before so many batches. */
  endAt(place: number): number {
    const last = this.batches.findLast(({ at }) => at < place);
    return last === undefined ? this.start : last.base + last.count;
  }

  /** What the batches hold, one record after another. */
  *records(): Generator<RecordReader> {
    for (const { bytes } of this.batches) {
      const reader = new RecordReader(bytes);
      while (reader.next()) yield reader;
    }
  }

  /** Loses what was stored as batch number `place` of all and later: its offsets are handed out again. */
  cut(place: number): boolean {
    const kept = this.batches.filter(({ at }) => at < place);
    if (kept.length === this.batches.length) return false;
    this.end = kept.reduce((_, { base, count }) => base + count, this.start);
    this.batches.splice(0, this.batches.length, ...kept);
    return true;
  }

  trim(before: number): void {
    this.start = Math.max(this.start, Math.min(before, this.end));
    while (this.batches[0] !== undefined && this.batches[0].base + this.batches[0].count <= this.start)
      this.batches.shift();
  }
}

/** What the brokers store: topics, partitions and their record batches, and who waits for more. */
export class Storage {
  readonly random: Random;
  readonly topics: Map<string, { readonly topic: Topic; readonly partitions: readonly Partition[] }> = new Map();
  /** Sees every record that is stored, in the order of its partition. */
  onRecord: (partition: Partition, reader: RecordReader) => void = () => undefined;
  /** Sees every append. */
  onAppend: (partition: Partition, span: Span) => void = () => undefined;
  clusterId = 'model-cluster';
  #waiting = new Set<() => void>();
  #stored = 0;
  #made = 0;

  constructor(random: Random) {
    this.random = random;
  }

  create({ name, partitions, config }: TopicSpec): void {
    if (this.topics.has(name)) return;
    const topic: Topic = {
      name,
      id: `id-${this.#made++}-${name}`,
      partitions,
      config: new Map(Object.entries(config)),
    };
    this.topics.set(name, {
      topic,
      partitions: Array.from({ length: partitions }, (_, number) => new Partition(name, number)),
    });
  }

  /** How many batches were stored so far, in all partitions. */
  get stored(): number {
    return this.#stored;
  }

  /** Somebody deletes a topic, and it is made again as it was. */
  recreate(name: string): void {
    const made = this.topics.get(name);
    if (made === undefined) return;
    this.topics.delete(name);
    const { partitions, config } = made.topic;
    this.create({ name, partitions, config: Object.fromEntries(config) });
  }

  partition(topic: string, number: number): Partition {
    const partition = this.topics.get(topic)?.partitions[number];
    if (!partition) throw new OperatorError(`Topic ${topic} has no partition ${number}`);
    return partition;
  }

  /** Stores a copy of a sealed batch and returns its span. */
  append(partition: Partition, { bytes, count }: RecordBatch): Span {
    const stored = Buffer.from(bytes);
    const base = partition.end;
    setBaseOffset(stored, base);
    partition.batches.push({ base, count, bytes: stored, at: this.#stored++ });
    partition.end += count;
    const reader = new RecordReader(stored);
    while (reader.next()) this.onRecord(partition, reader);
    const span = { topic: partition.topic, partition: partition.number, base, count };
    this.onAppend(partition, span);
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
    return span;
  }

  /** What a fetch finds now; any partition with something may be left out, but not all of them. */
  fetch(cursors: readonly Cursor[]): { readonly found: boolean; readonly fetched: Fetched[] } {
    const { random } = this;
    const partitions = cursors.map(({ topic, partition }) => this.partition(topic, partition));
    const ready: number[] = [];
    for (const [i, { topic, offset }] of cursors.entries()) {
      const { start, end, number } = partitions[i] as Partition;
      if (offset < start || offset > end) {
        throw new OperatorError(
          `Topic ${topic}, partition ${number} has offsets ${start} to ${end}, ${offset} was asked for`,
        );
      }
      if (offset < end) ready.push(i);
    }
    const certain = ready.length > 0 ? random.pick(ready) : -1;
    const fetched = partitions.map((partition, i): Fetched => {
      const { topic, number, start, end } = partition;
      const isSent = i === certain || (ready.includes(i) && random.chance(0.7));
      const limit = random.chance(0.5) ? 100 : random.between(1, 3);
      const { offset } = cursors[i] as Cursor;
      const bytes = isSent ? partition.from(offset, limit) : Buffer.alloc(0);
      // A new leader has to hear from the others before it knows how far all of them are.
      const known = !isSent && offset % 4 === 3 ? Math.min(end, offset) : end;
      return { topic, partition: number, bytes, start, end: known };
    });
    return { found: certain >= 0, fetched };
  }

  /** Calls `wake` once after the next append. */
  onNextAppend(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  /** Somebody else writes: garbage, or a copy of what stands in the same partition. */
  writeForeign(): string {
    const { random } = this;
    const all = [...this.topics.values()].flatMap(({ partitions }) => partitions);
    const partition = all.length > 0 ? random.pick(all) : undefined;
    if (partition === undefined) return 'nothing to disturb';
    if (partition.batches.length > 0 && random.chance(0.6)) {
      this.append(partition, random.pick(partition.batches));
      return 'stale copy';
    }
    this.writeGarbage(partition);
    return 'garbage';
  }

  writeGarbage(partition: Partition): void {
    const writer = new RecordSetWriter(() => 0, 1000, { size: 128 });
    for (let n = this.random.between(1, 3); n > 0; n--) {
      writer.beginRecord();
      writer.nullKey();
      writer.beginValue().copy(Buffer.from('garbage'), 0, 7);
      writer.endValue();
      writer.headers(0);
      writer.endRecord();
    }
    for (const batch of writer.finish().batches) this.append(partition, batch);
  }
}
