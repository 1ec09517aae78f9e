import { type Batch, type Control, Op } from '../change/batch.ts';
import { ByteWriter, Run } from '../change/byte-writer.ts';
import { type TableSchema, tableName } from '../change/table-schema.ts';
import { type Converter, type RowEncoder, SchemaRefused, WireOp } from '../converter/converter.ts';
import type { Append } from '../log/log.ts';
import { encodeControl } from '../log/protocol/control-codec.ts';
import { beginHeader, EXACT_HEADER, HEADER, HEADER_BYTES, Part, setHeader } from '../log/protocol/header.ts';
import { schemaChangesTopic } from '../log/protocol/topics.ts';
import type { BatchCompression } from '../log/batch-compression.ts';
import { RecordSetWriter } from '../log/record-set.ts';
import { DdlCauses } from './ddl-causes.ts';
import type { EventRouter } from './outbox/event-router.ts';
import { beginEvent, eventPartition } from './outbox/event-writer.ts';
import { partitionOf } from './partition.ts';
import { type NamedTopic, TopicWriters } from './topic-writers.ts';

/** Debezium's headers on the two halves of a key change. */
const NEW_KEY_HEADER = Buffer.from('__debezium.newkey');
const OLD_KEY_HEADER = Buffer.from('__debezium.oldkey');

/** Where the rows of one table version go. */
interface Route {
  readonly encoder: RowEncoder;
  /** One writer per partition; rows without key have one partition per table. */
  readonly writers: readonly RecordSetWriter[];
  /** The header that all records have, for the interval with this number. */
  readonly header: Run;
  interval: number;
}

/** Of a whole header, what stands before its value: name and lengths. */
const VALUE_AT = 2 + HEADER.length;

/** Where rows of outboxes go instead of the topics of their tables. */
export interface EventOptions {
  readonly router: EventRouter;
  /** Topics by their names; created when missing. */
  readonly topicsFor: (names: readonly string[], signal: AbortSignal) => Promise<readonly NamedTopic[]>;
}

export interface BatchEncoderOptions {
  readonly prefix: string;
  readonly converter: Converter;
  readonly tombstones: boolean;
  readonly now: () => number;
  /** Name and partition count of each table's topic, in their order; created when missing. */
  readonly topicsFor: (tables: readonly TableSchema[], signal: AbortSignal) => Promise<readonly NamedTopic[]>;
  readonly recordBatchBytes: number;
  /** What the batches of table topics are compressed with, if at all; control records are few. */
  readonly compression?: BatchCompression | undefined;
  /** Absent: no table is an outbox. */
  readonly events?: EventOptions | undefined;
}

/**
 * Turns batches into records for the log, in source order: assigns claim, number and index, chooses partitions, writes the
 * headers (docs/format.md). A checkpoint interval may take several batches: the index runs on until `beginInterval`.
 */
export class BatchEncoder {
  readonly #options: BatchEncoderOptions;
  /** Of the table versions that the source still has rows of. */
  readonly #routes = new WeakMap<TableSchema, Route>();
  readonly #writers: TopicWriters;
  readonly #controls: RecordSetWriter;
  readonly #causes = new DdlCauses();
  readonly #ownHeader = new Run();
  readonly #key = new ByteWriter();
  readonly #otherKey = new ByteWriter();
  #index = 0;
  #claim = 0;
  #number = 0;
  /** Counts the intervals, so that headers are seen to be of an earlier one. */
  #interval = 0;

  constructor(options: BatchEncoderOptions) {
    this.#options = options;
    this.#writers = new TopicWriters(options);
    this.#controls = new RecordSetWriter(options.now, options.recordBatchBytes);
  }

  /** Starts the records of checkpoint `number` under `claim`. */
  beginInterval(claim: number, number: number): void {
    this.#claim = claim;
    this.#number = number;
    this.#interval++;
    this.#index = 0;
  }

  /** Registers schemas and makes topics for the table versions that this batch announces, and for its events; before `encode`. */
  async prepare(batch: Batch, signal: AbortSignal): Promise<void> {
    const { events } = this.#options;
    const announced = batch.controls.flatMap((control) =>
      control.kind === 'table' && !this.#isOutbox(control.table) ? control.table : [],
    );
    // A thousand tables are one question.
    const found = await this.#options.topicsFor(announced, signal);
    await this.#options.converter.announce(
      announced.map((table, i) => ({ table, topic: found[i]?.name as string })),
      signal,
    );
    const topics = found.values();
    for (const control of batch.controls) {
      if (control.kind === 'ddl') this.#causes.heard(control.ddl);
      if (control.kind !== 'table') continue;
      const { table } = control;
      if (this.#isOutbox(table)) {
        events?.router.announce(table);
        continue;
      }
      const topic = topics.next().value as NamedTopic;
      events?.router.reserve(topic.name);
      const encoder = await this.#options.converter.encoder(table, topic.name, signal).catch((error: unknown) => {
        throw error instanceof SchemaRefused ? this.#causes.explain(table, error) : error;
      });
      const writers = this.#writers.make(topic);
      this.#routes.set(table, { encoder, writers, header: new Run(), interval: -1 });
    }
    if (events !== undefined) await this.#makeTopics(events, batch, signal);
  }

  async #makeTopics({ router, topicsFor }: EventOptions, batch: Batch, signal: AbortSignal): Promise<void> {
    const missing = [...router.topicsOf(batch)].filter((name) => this.#writers.get(name) === undefined);
    if (missing.length === 0) return;
    for (const topic of await topicsFor(missing, signal)) this.#writers.make(topic);
  }

  #isOutbox(table: TableSchema): boolean {
    return this.#options.events?.router.isOutbox(table) === true;
  }

  /** Encodes the whole batch; synchronous, because this is the hot loop. */
  encode(batch: Batch): Append[] {
    for (let i = 0; i < batch.length; i++) this.#change(batch, i);
    this.#options.events?.router.tellLeftOut();
    return this.#finish();
  }

  #change(batch: Batch, i: number): void {
    const op = batch.op[i] as Op;
    const slot = batch.table[i] as number;
    if (op === Op.control) {
      this.#control(batch.controls[slot] as Control);
      return;
    }
    const table = batch.tables[slot] as TableSchema;
    const route = this.#routes.get(table);
    if (route === undefined) return this.#event(batch, i, table);
    const before = batch.before[i] as number;
    const after = batch.after[i] as number;
    switch (op) {
      case Op.insert:
        return this.#row(route, batch, i, op, WireOp.create, Part.whole, -1, after);
      case Op.read:
        return this.#row(route, batch, i, op, WireOp.read, Part.whole, -1, after);
      case Op.update:
        return this.#row(route, batch, i, op, WireOp.update, Part.whole, before, after);
      case Op.delete:
        this.#row(route, batch, i, op, WireOp.delete, Part.whole, before, -1);
        return this.#tombstone(route, batch, op, before);
      case Op.keyChange:
        this.#row(route, batch, i, op, WireOp.delete, Part.oldKey, before, -1, NEW_KEY_HEADER, after);
        this.#tombstone(route, batch, op, before);
        return this.#row(route, batch, i, op, WireOp.create, Part.newKey, -1, after, OLD_KEY_HEADER, before);
      default:
        return op satisfies never;
    }
  }

  #row(
    route: Route,
    batch: Batch,
    change: number,
    op: Op,
    wireOp: WireOp,
    part: Part,
    before: number,
    after: number,
    keyHeader?: Buffer,
    otherRow = -1,
  ): void {
    const { encoder } = route;
    const writer = this.#keyed(route, batch, after >= 0 ? after : before);
    encoder.value(batch, change, wireOp, before, after, writer.beginValue());
    writer.endValue();
    const { exact } = encoder;
    writer.headers(1 + (exact.length > 0 ? 1 : 0) + (keyHeader === undefined ? 0 : 1));
    this.#header(writer, route, op, part);
    if (exact.length > 0) writer.header(EXACT_HEADER, exact.bytes, 0, exact.length);
    if (keyHeader !== undefined) {
      this.#otherKey.length = 0;
      encoder.key(batch, otherRow, this.#otherKey);
      writer.header(keyHeader, this.#otherKey.bytes, 0, this.#otherKey.length);
    }
    writer.endRecord();
  }

  /** Lets compaction forget the key; also keeps Debezium's consumers happy. */
  #tombstone(route: Route, batch: Batch, op: Op, row: number): void {
    if (!this.#options.tombstones || !route.encoder.hasKey) return;
    const writer = this.#keyed(route, batch, row);
    writer.nullValue();
    writer.headers(1);
    this.#header(writer, route, op, Part.tombstone);
    writer.endRecord();
  }

  #header(writer: RecordSetWriter, route: Route, op: Op, part: Part): void {
    if (route.interval !== this.#interval) {
      this.#beginHeader(route.header, route.encoder.table.version);
      route.interval = this.#interval;
    }
    const at = writer.wholeHeader(route.header);
    setHeader(writer.bytes, at + VALUE_AT, op, part, this.#index++);
  }

  #beginHeader(header: Run, tableVersion: number): void {
    const out = header.change();
    out.varint(HEADER.length);
    out.copy(HEADER, 0, HEADER.length);
    out.varint(HEADER_BYTES);
    out.ensure(HEADER_BYTES);
    beginHeader(out.bytes, out.length, this.#claim, this.#number, tableVersion);
    out.length += HEADER_BYTES;
  }

  /** Begins a record in the partition of the row's key and writes the key. */
  #keyed({ encoder, writers }: Route, batch: Batch, row: number): RecordSetWriter {
    if (!encoder.hasKey || writers.length === 1) {
      const writer = writers[0] as RecordSetWriter;
      writer.beginRecord();
      if (!encoder.hasKey) writer.nullKey();
      else {
        encoder.key(batch, row, writer.beginKey());
        writer.endKey();
      }
      return writer;
    }
    const key = this.#key;
    key.length = 0;
    encoder.key(batch, row, key);
    const writer = writers[partitionOf(key.bytes, key.length, writers.length)] as RecordSetWriter;
    writer.beginRecord();
    writer.beginKey().copy(key.bytes, 0, key.length);
    writer.endKey();
    return writer;
  }

  /** What is not an event is left out: it has no index, as if it had not been there. */
  #event(batch: Batch, i: number, table: TableSchema): void {
    const { events } = this.#options;
    if (events === undefined) throw new Error(`Version ${table.version} of ${tableName(table)} was not announced`);
    const event = events.router.eventOf(batch, i);
    if (event === undefined) return;
    const writers = this.#writers.get(event.topic) as readonly RecordSetWriter[];
    const writer = writers[eventPartition(batch, event, writers.length)] as RecordSetWriter;
    beginEvent(writer, batch, event, 1);
    this.#endAlone(writer, batch.op[i] as Op, Part.event, 0);
  }

  #control(said: Control): void {
    const { events } = this.#options;
    const control = events === undefined ? said : events.router.heard(said);
    if (control === undefined) return;
    const value = encodeControl(control);
    const writer = this.#controls;
    writer.beginRecord();
    writer.nullKey();
    writer.beginValue().copy(value, 0, value.length);
    writer.endValue();
    writer.headers(1);
    this.#endAlone(writer, Op.control, Part.whole, control.kind === 'table' ? control.table.version : 0);
  }

  /** Ends a record whose header is no table's. */
  #endAlone(writer: RecordSetWriter, op: Op, part: Part, tableVersion: number): void {
    this.#beginHeader(this.#ownHeader, tableVersion);
    const at = writer.wholeHeader(this.#ownHeader);
    setHeader(writer.bytes, at + VALUE_AT, op, part, this.#index++);
    writer.endRecord();
  }

  #finish(): Append[] {
    if (this.#controls.count === 0) return this.#writers.finish();
    const topic = schemaChangesTopic(this.#options.prefix);
    return [{ topic, partition: 0, records: this.#controls.finish() }, ...this.#writers.finish()];
  }
}
