import { type Batch, Op } from '../change/batch.ts';
import { type TableSchema, tableName } from '../change/table-schema.ts';
import { type Converter, type RowDecoder, schemaId } from '../converter/converter.ts';
import { PositionLostError, RecordError } from '../errors.ts';
import { halfMissing, placed, unknownHeader, withoutRow } from './placed-error.ts';
import type { Log } from '../log/log.ts';
import { decodeControl } from '../log/protocol/control-codec.ts';
import type { CountingCheckpoint } from '../log/protocol/counter.ts';
import { EXACT_HEADER, headerOp, headerPart, headerTableVersion, Part } from '../log/protocol/header.ts';
import type { RecordReader } from '../log/record-reader.ts';
import { cursorsOf } from './covered-cursors.ts';
import type { RecordPlace } from './change-places.ts';
import type { PartitionCursor } from './partition-cursor.ts';
import { CursorMerge } from './cursor-merge.ts';
import { fetchWaiting } from './fetch-waiting.ts';
import { onlyAccepted } from './accepted-control.ts';
import { hasSamePartial } from './partial.ts';
import { RowDecoders } from './row-decoders.ts';
import type { ReadMemory } from './read-memory.ts';
import type { TableVersions } from './table-versions.ts';
import type { Selection } from './topic-filter.ts';

export interface SpanReaderOptions {
  readonly log: Log;
  readonly converter: Converter;
  readonly versions: TableVersions;
  /** Which tables the sink wants; undefined: all. */
  readonly accepts: Selection['accepts'];
  /** `topic.prefix` of the source that is replayed. */
  readonly prefix: string;
  /** Which topics hold them; undefined: all. What the source says of its tables is always read. */
  readonly acceptsTopic: ((topic: string) => boolean) | undefined;
  /** One budget for the fetches of all partitions together. */
  readonly fetchBytes: number;
  /** A chunk ends at about this many bytes of row text. */
  readonly chunkBytes: number;
}

/** In place of a schema's id: the record has no value. */
const NO_VALUE = -2;
/** Bounds the columns of a chunk when rows are tiny, and those of rows that are mostly NULL. */
const CHUNK_CHANGES = 50_000;
const CHUNK_CELLS = 1_000_000;

type Need = 'chunk' | 'fetch' | 'end' | { readonly schema: number; readonly table: TableSchema };

/**
 * Reads exactly what the spans of some checkpoints name, merged over all partitions by index, as batches in source order
 * (PROTOCOL, sink 2 and 3). A batch ends at its byte limit, never between the two halves of a key change, and never
 * mixes consistent with inconsistent checkpoints, or those whose tables are there in part with others. The same batch object is yielded again and again.
 */
export class SpanReader {
  readonly #options: SpanReaderOptions;
  readonly #checkpoints: readonly CountingCheckpoint[];
  readonly #cursors: PartitionCursor[];
  readonly #decoders: RowDecoders;
  readonly #batch: Batch;
  readonly #memory: ReadMemory;
  readonly #slots = new Map<TableSchema, number>();
  /** What the last row was read with: rows of one table follow each other. */
  #known: { claim: number; version: number; schema: number; table: TableSchema; decoder: RowDecoder } | undefined;
  /** Its table's place in the batch; -1: none yet. */
  #slot = -1;
  #checkpointAt = 0;
  /** The checkpoint that the batch's last change belongs to. */
  #entered: CountingCheckpoint | undefined;
  #index = 0;
  #merge = new CursorMerge<PartitionCursor>([]);
  #isThrough = false;
  /** First cell of the old key of a key change whose new half is still to come; -1: none. */
  #oldKey = -1;

  /** `memory` outlives the reader; it belongs to one at a time. */
  constructor(options: SpanReaderOptions, checkpoints: readonly CountingCheckpoint[], memory: ReadMemory) {
    this.#options = options;
    this.#checkpoints = checkpoints;
    this.#memory = memory;
    this.#decoders = new RowDecoders(options.converter);
    this.#batch = memory.batch();
    this.#cursors = cursorsOf(checkpoints, options);
  }

  /** Where a change of the batch that was yielded last came from. */
  placeOf(change: number): RecordPlace | undefined {
    return this.#memory.places.at(change);
  }

  /** True once no batch follows the one that was yielded last. */
  get isThrough(): boolean {
    return this.#isThrough;
  }

  async *batches(signal: AbortSignal): AsyncGenerator<Batch, void, void> {
    this.#memory.handOver(this.#cursors);
    this.#merge = new CursorMerge(this.#cursors);
    this.#beginChunk();
    try {
      for (;;) {
        const need = this.#fill();
        if (need === 'fetch') {
          await fetchWaiting(
            { ...this.#options, cursors: this.#cursors, merge: this.#merge, memory: this.#memory },
            signal,
          );
        } else if (typeof need === 'object') {
          await this.#makeDecoder(need.schema, need.table, signal);
        } else {
          this.#isThrough = need === 'end';
          if (this.#isThrough && this.#oldKey >= 0)
            throw halfMissing(`behind the last record of ${this.#options.prefix}`);
          if (this.#isThrough) this.#memory.keep(this.#cursors);
          if (this.#batch.length > 0) yield this.#batch;
          if (this.#isThrough) return;
          this.#beginChunk();
        }
      }
    } finally {
      this.#decoders.release();
    }
  }

  #beginChunk(): void {
    this.#decoders.release();
    this.#batch.clear();
    this.#memory.places.clear();
    this.#entered = undefined;
    this.#batch.transactions.push({ xid: 0, commitLsn: 0, commitTimeUs: 0 });
    this.#slots.clear();
    this.#slot = -1;
  }

  /** Moves records into the batch until it is full or something has to be waited for. */
  #fill(): Need {
    const batch = this.#batch;
    for (;;) {
      if (!this.#skipFinishedCheckpoints()) return 'end';
      const cursor = this.#next();
      if (cursor === 'end') return 'end';
      if (cursor === undefined) return 'fetch';
      const checkpoint = this.#checkpoints[this.#checkpointAt] as CountingCheckpoint;
      if (checkpoint !== this.#entered) {
        const { consistent, requests } = checkpoint;
        const isSame = batch.consistent === consistent && hasSamePartial(batch.requests, requests);
        if (batch.length > 0 && !isSame) return 'chunk';
        batch.consistent = consistent;
        batch.requests = requests;
        this.#entered = checkpoint;
      }
      const missing = this.#placedRecord(cursor);
      if (missing !== undefined) return missing;
      this.#memory.places.reach(batch.length, cursor);
      this.#index = cursor.index + 1;
      cursor.take();
      this.#merge.moved();
      if (this.#isFull() && this.#oldKey < 0) return 'chunk';
    }
  }

  #isFull(): boolean {
    const { byteLength, length, cellCount } = this.#batch;
    return byteLength >= this.#options.chunkBytes || length >= CHUNK_CHANGES || cellCount >= CHUNK_CELLS;
  }

  /** Goes to the checkpoint whose records come next; false after the last one. */
  #skipFinishedCheckpoints(): boolean {
    let checkpoint = this.#checkpoints[this.#checkpointAt];
    while (checkpoint !== undefined && this.#index >= checkpoint.records) {
      this.#index = 0;
      checkpoint = this.#checkpoints[++this.#checkpointAt];
    }
    return checkpoint !== undefined;
  }

  /** The cursor on the next record in source order; undefined while one of them has to be fetched first. */
  #next(): PartitionCursor | undefined | 'end' {
    const { number } = this.#checkpoints[this.#checkpointAt] as CountingCheckpoint;
    const least = this.#merge.first;
    // The very next record is it, whatever the others have.
    if (least?.number === number && least.index === this.#index) return least;
    if (this.#merge.waiting.length > 0) return undefined;
    if (this.#options.acceptsTopic === undefined) this.#assertNext(least, number);
    else if (least === undefined) return 'end';
    else if (least.number !== number) this.#goTo(least.number);
    return least;
  }

  /** Every record of a checkpoint is there once, at its index: a missing or doubled one stops the sink (Invariant 5). */
  #assertNext(cursor: PartitionCursor | undefined, number: number): void {
    if (cursor?.number === number && cursor.index === this.#index) return;
    throw new PositionLostError(
      `Checkpoint ${number} lost history: its record ${this.#index} is in none of its spans`,
      {
        advice: 'A topic was changed by hand. Make a new replica by a snapshot under a new topic.prefix.',
      },
    );
  }

  #goTo(number: number): void {
    this.#checkpointAt = this.#checkpoints.findIndex((checkpoint) => checkpoint.number === number);
    this.#index = 0;
  }

  async #makeDecoder(schema: number, table: TableSchema, signal: AbortSignal): Promise<void> {
    const cursor = this.#merge.first as PartitionCursor;
    try {
      await this.#decoders.make(schema, table, cursor.topic, signal);
    } catch (error) {
      throw placed(error, cursor);
    }
  }

  /** As `#record`; what is wrong with a record is said with its place. */
  #placedRecord(cursor: PartitionCursor): Need | undefined {
    try {
      return this.#record(cursor);
    } catch (error) {
      throw placed(error, cursor);
    }
  }

  /** Adds the cursor's record to the batch, or says which schema it needs first. */
  #record(cursor: PartitionCursor): Need | undefined {
    const reader = cursor.reader as RecordReader;
    const part = headerPart(reader.bytes, cursor.headerAt);
    if (part === Part.tombstone || part === Part.event) return undefined;
    const op = headerOp(reader.bytes, cursor.headerAt);
    if (part > Part.event || op > Op.read) throw unknownHeader();
    if ((part === Part.newKey) !== this.#oldKey >= 0) throw halfMissing('before it');
    if (op === Op.control) {
      this.#control(cursor, reader);
      return undefined;
    }
    const { claim } = cursor;
    const version = headerTableVersion(reader.bytes, cursor.headerAt);
    const schema = reader.valueStart < 0 ? NO_VALUE : schemaId(reader.bytes, reader.valueStart, reader.valueEnd);
    const known = this.#known;
    if (known?.schema === schema && known.version === version && known.claim === claim) {
      this.#row(reader, known.decoder, known.table, op, part);
      return undefined;
    }
    const table = this.#options.versions.get(claim, version);
    if (schema === NO_VALUE) throw new RecordError(`The value of a row of ${tableName(table)} is missing`);
    if (schema < 0) throw new RecordError(`The value of a row of ${tableName(table)} has no schema id`);
    const decoder = this.#decoders.find(schema, table);
    if (decoder === undefined) return { schema, table };
    this.#known = { claim, version, schema, table, decoder };
    this.#slot = -1;
    this.#row(reader, decoder, table, op, part);
    return undefined;
  }

  #row(reader: RecordReader, decoder: RowDecoder, table: TableSchema, op: Op, part: Part): void {
    const batch = this.#batch;
    const exact = reader.headerCount > 1 && reader.findHeader(EXACT_HEADER);
    const exactStart = exact ? reader.headerStart : 0;
    const exactEnd = exact ? reader.headerEnd : 0;
    decoder.decode(reader.bytes, reader.valueStart, reader.valueEnd, exactStart, exactEnd, batch);
    if (part === Part.oldKey) {
      if (decoder.before < 0) throw withoutRow(table);
      this.#oldKey = decoder.before;
      return;
    }
    const before = part === Part.newKey ? this.#oldKey : decoder.before;
    if ((op === Op.delete ? before : decoder.after) < 0) throw withoutRow(table);
    this.#oldKey = -1;
    if (this.#slot < 0) this.#slot = this.#slotOf(table);
    batch.addChange(op, this.#slot, 0, 0, before, decoder.after);
  }

  #control(cursor: PartitionCursor, reader: RecordReader): void {
    const { versions, accepts } = this.#options;
    const { claim } = cursor;
    const value = reader.bytes.subarray(reader.valueStart, reader.valueEnd);
    const control = decodeControl(value, cursor.topic, (version) => versions.get(claim, version));
    if (control.kind === 'table') {
      versions.add(claim, control.table);
      this.#known = undefined;
    }
    const wanted = accepts === undefined ? control : onlyAccepted(control, accepts);
    if (wanted !== undefined) this.#batch.addControl(wanted, 0, 0);
  }

  #slotOf(table: TableSchema): number {
    const known = this.#slots.get(table);
    if (known !== undefined) return known;
    this.#slots.set(table, this.#batch.tables.length);
    return this.#batch.tables.push(table) - 1;
  }
}
