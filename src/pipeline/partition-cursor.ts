import { PositionLostError } from '../errors.ts';
import type { Span } from '../log/log.ts';
import { HEADER, headerClaim, headerIndex, headerNumber, isHeader, refuseNewerHeader } from '../log/protocol/header.ts';
import { RecordReader } from '../log/record-reader.ts';

/** A span with the checkpoint that covers it. */
export interface CoveredSpan {
  readonly span: Span;
  readonly claim: number;
  readonly number: number;
}

/**
 * Walks the records of one partition that spans cover, in order, and nothing else: strays between them are passed over, and
 * a covered record that is missing or not its claim's stops the reader (PROTOCOL, sink 2).
 */
export class PartitionCursor {
  readonly topic: string;
  readonly partition: number;
  readonly #spans: CoveredSpan[];
  #spanAt = 0;
  /** The next offset that must be delivered. */
  #offset: number;
  reader: RecordReader | undefined;
  /** True when `reader` stands on the record to be taken next. */
  loaded = false;
  /** Checkpoint number and index of the loaded record. */
  number = -1;
  index = -1;
  /** The claim that it was written under. */
  claim = -1;
  /** Where the loaded record's `rowcast` header begins in `reader.bytes`. */
  headerAt = -1;

  constructor(spans: CoveredSpan[]) {
    const [first] = spans;
    if (first === undefined) throw new Error('A cursor needs a span');
    this.topic = first.span.topic;
    this.partition = first.span.partition;
    this.#spans = spans;
    this.#offset = first.span.base;
  }

  get done(): boolean {
    return this.#spanAt === this.#spans.length;
  }

  /** The next offset to fetch from. */
  get offset(): number {
    return this.#offset;
  }

  /** How many records it has still to deliver, the loaded one with them. */
  get remaining(): number {
    let remaining = 0;
    for (let i = this.#spanAt; i < this.#spans.length; i++) remaining += (this.#spans[i] as CoveredSpan).span.count;
    const span = this.#spans[this.#spanAt]?.span;
    return span === undefined ? 0 : remaining - (this.#offset - span.base);
  }

  /** Gives the cursor fetched batches to walk; they begin at or before `offset`. */
  feed(bytes: Buffer): void {
    this.resume(new RecordReader(bytes));
  }

  /** Walks on where `reader` stands, at or before `offset`. */
  resume(reader: RecordReader): void {
    this.reader = reader;
    this.advance();
  }

  /** Goes to the next covered record; `loaded` is false when none is in what was fed. */
  advance(): void {
    this.loaded = false;
    const { reader } = this;
    if (reader === undefined) return;
    while (!this.done && reader.next()) {
      if (reader.offset < this.#offset) continue;
      if (reader.offset > this.#offset) this.#lost(`offset ${this.#offset} is missing`);
      this.#check(reader);
      this.loaded = true;
      return;
    }
    if (!this.done) this.reader = undefined;
  }

  /** Takes the loaded record: the cursor moves on to the next one. */
  take(): void {
    const { span } = this.#spans[this.#spanAt] as CoveredSpan;
    this.#offset++;
    if (this.#offset === span.base + span.count) {
      this.#spanAt++;
      const next = this.#spans[this.#spanAt];
      if (next !== undefined) this.#offset = next.span.base;
    }
    this.advance();
  }

  /** Throws PositionLostError when the partition ends, at `end`, before the record that is to come next. */
  assertStored(end: number): void {
    if (end <= this.#offset) this.#lost(`it ends at offset ${end}, and a checkpoint names more`);
  }

  #check(reader: RecordReader): void {
    const { claim, number } = this.#spans[this.#spanAt] as CoveredSpan;
    this.claim = claim;
    const isNamed = reader.findHeader(HEADER);
    if (!isNamed || !isHeader(reader.bytes, reader.headerStart, reader.headerEnd)) {
      if (isNamed) refuseNewerHeader(reader.bytes, reader.headerStart, reader.headerEnd, this.#recordName(reader));
      this.#lost(`the record at offset ${reader.offset} is not one of Rowcast's`);
    }
    this.headerAt = reader.headerStart;
    this.number = headerNumber(reader.bytes, this.headerAt);
    this.index = headerIndex(reader.bytes, this.headerAt);
    if (this.number !== number || headerClaim(reader.bytes, this.headerAt) !== claim) {
      this.#lost(`the record at offset ${reader.offset} belongs to another checkpoint than ${number}`);
    }
  }

  #recordName({ offset }: RecordReader): string {
    return `${this.topic}/${this.partition}@${offset}`;
  }

  #lost(what: string): never {
    throw new PositionLostError(`Topic ${this.topic}, partition ${this.partition} lost history: ${what}`, {
      advice:
        'It was compacted, expired, put back, or deleted and created again. Make a new replica by a snapshot under a new topic.prefix.',
    });
  }
}
