import type { Batch, Transaction } from '../../change/batch.ts';
import { ByteWriter, Run } from '../../change/byte-writer.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { type EnvelopeOrigin, WireOp } from '../converter.ts';
import { Long, writeInteger, writeLong } from './long.ts';

/** Which transaction a stream of changes is in; shared by all encoders of one stream, because it passes through all of them. */
export class TransactionOrder {
  #xid = -1;
  #commitLsn = -1;
  /** Counts the transactions seen. */
  number = 0;
  /** Commit LSN of the transaction before; -1 for the first one. */
  previousCommitLsn = -1;
  /** Changes of the present transaction so far. */
  changes = 0;

  /** Says that the next change is in this transaction; one that goes on over several batches stays the same. */
  enter(transaction: Transaction): void {
    if (transaction.xid === this.#xid && transaction.commitLsn === this.#commitLsn) return;
    this.previousCommitLsn = this.#commitLsn;
    this.#xid = transaction.xid;
    this.#commitLsn = transaction.commitLsn;
    this.number++;
    this.changes = 0;
  }
}

const SOME = 2; // index 1 of a union, zigzag
const NONE = 0;

/** Writes what follows the rows in an envelope: source, transaction, op and the times of processing. */
export class EnvelopeWriter {
  readonly #order: TransactionOrder;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #hasBlock: boolean;
  readonly #long: Long = new Long();
  #transaction: Transaction | undefined;
  #isRead = false;
  #number = 0;
  #changes = 0;
  /** Where the writer was when it looked at the clock: once per batch and transaction is enough. */
  #batch: Batch | undefined;
  #change = -1;
  #processedMs = -1;
  /** Up to the LSN in the sequence. Its first bytes, up to the commit time, never change. */
  readonly #head: Run = new Run();
  readonly #originSize: number;
  /** What follows the commit time. */
  readonly #ofRead: Buffer;
  readonly #ofChange: Buffer;
  /** LSNs of so many digits the head is right for: its sequence has a length. */
  #digits = 0;
  #leastLsn = 0;
  #limitLsn = 0;
  /** From the end of the sequence to the LSN, and of that the table's name. */
  readonly #middle: Run = new Run();
  readonly #table: Buffer;
  readonly #blockId: Run = new Run();
  /** op and the times; op is its second byte. */
  readonly #tail: Run = new Run();

  constructor(
    table: TableSchema,
    origin: EnvelopeOrigin,
    clock: Pick<Clock, 'now'>,
    order: TransactionOrder,
    hasBlock: boolean,
  ) {
    this.#order = order;
    this.#clock = clock;
    this.#hasBlock = hasBlock;
    const database = [...strings(origin.database), SOME]; // SOME: the sequence's
    this.#ofRead = Buffer.from([0, ...strings('true'), ...database]); // 0: the union of `snapshot` has the string first
    this.#ofChange = Buffer.from([0, ...strings('false'), ...database]);
    append(this.#head.change(), strings(origin.version, 'postgresql', origin.name));
    this.#originSize = this.#head.length;
    this.#table = strings(table.schema, table.name);
  }

  write(batch: Batch, change: number, op: WireOp, out: ByteWriter): void {
    const transaction = batch.transactions[batch.transaction[change] as number] as Transaction;
    const isRead = op === WireOp.read;
    if (transaction !== this.#transaction || isRead !== this.#isRead) {
      this.#enter(transaction, isRead);
      this.#batch = undefined;
    }
    if (batch !== this.#batch || change < this.#change) this.#lookAtClock(batch);
    this.#change = change;
    const lsn = batch.lsn[change] as number;
    if (lsn >= this.#limitLsn || lsn < this.#leastLsn) this.#writeHead(transaction, digitCount(lsn));
    out.put(this.#head);
    const digits = this.#digits;
    out.ensure(digits);
    putDigitsBefore(out.bytes, out.length + digits, digits, lsn);
    out.length += digits;
    out.put(this.#middle);
    writeInteger(out, lsn);
    out.ensure(4);
    out.bytes[out.length++] = NONE; // xmin
    out.bytes[out.length++] = NONE; // origin
    out.bytes[out.length++] = NONE; // origin_lsn
    if (this.#hasBlock) this.#writeBlock(out);
    else out.bytes[out.length++] = NONE;
    const tail = out.length;
    out.put(this.#tail);
    out.bytes[tail + 1] = op;
  }

  #enter(transaction: Transaction, isRead: boolean): void {
    const order = this.#order;
    order.enter(transaction);
    this.#transaction = transaction;
    this.#isRead = isRead;
    this.#limitLsn = 0; // the head is written when the LSN is known
    this.#writeMiddle(transaction);
    if (!this.#hasBlock) return;
    const id = this.#blockId.change();
    writeInteger(id, digitCount(transaction.xid) + 1 + digitCount(transaction.commitLsn));
    putNumber(id, transaction.xid);
    id.byte(0x3a); // :
    putNumber(id, transaction.commitLsn);
    if (order.number !== this.#number) this.#changes = 0;
    this.#number = order.number;
  }

  /** Ends inside of the sequence, a JSON text `["<previous commit LSN>","<lsn>"]`, before an LSN of so many digits. */
  #writeHead({ commitTimeUs }: Transaction, digits: number): void {
    this.#digits = digits;
    this.#leastLsn = digits === 1 ? 0 : 10 ** (digits - 1);
    this.#limitLsn = 10 ** digits;
    const head = this.#head.change(this.#originSize);
    writeInteger(head, Math.floor(commitTimeUs / 1000));
    append(head, this.#isRead ? this.#ofRead : this.#ofChange);
    const previous = this.#order.previousCommitLsn;
    if (previous < 0) {
      head.varint(NO_PREVIOUS.length + digits + SEQUENCE_END.length);
      append(head, NO_PREVIOUS);
      return;
    }
    head.varint(2 + digitCount(previous) + BETWEEN.length + digits + SEQUENCE_END.length);
    head.byte(0x5b); // [
    head.byte(0x22); // "
    putNumber(head, previous);
    append(head, BETWEEN);
  }

  #writeMiddle(transaction: Transaction): void {
    const middle = this.#middle.change();
    append(middle, SEQUENCE_END);
    middle.byte(SOME);
    writeInteger(middle, transaction.commitTimeUs);
    middle.byte(SOME);
    this.#long.setProduct(transaction.commitTimeUs, 1000);
    writeLong(middle, this.#long.high, this.#long.low);
    append(middle, this.#table);
    if (transaction.xid === 0) middle.byte(NONE);
    else {
      middle.byte(SOME);
      writeInteger(middle, transaction.xid);
    }
    middle.byte(SOME); // lsn
  }

  #writeBlock(out: ByteWriter): void {
    out.byte(SOME);
    out.put(this.#blockId);
    writeInteger(out, ++this.#order.changes);
    writeInteger(out, ++this.#changes);
  }

  #lookAtClock(batch: Batch): void {
    this.#batch = batch;
    const now = this.#clock.now();
    if (now !== this.#processedMs) this.#setProcessed(now);
  }

  #setProcessed(nowMs: number): void {
    const tail = this.#tail.change();
    this.#processedMs = nowMs;
    tail.byte(2); // a string of one byte
    tail.byte(0);
    tail.byte(SOME);
    writeInteger(tail, nowMs);
    tail.byte(SOME);
    writeInteger(tail, nowMs * 1000);
    tail.byte(SOME);
    this.#long.setProduct(nowMs * 1000, 1000);
    writeLong(tail, this.#long.high, this.#long.low);
  }
}

const NO_PREVIOUS = Buffer.from('[null,"');
const BETWEEN = Buffer.from('","');
const SEQUENCE_END = Buffer.from('"]');

function append(out: ByteWriter, bytes: Buffer): void {
  out.copy(bytes, 0, bytes.length);
}

function putNumber(out: ByteWriter, value: number): void {
  const size = digitCount(value);
  out.ensure(size);
  out.length += size;
  putDigitsBefore(out.bytes, out.length, size, value);
}

function strings(...texts: string[]): Buffer {
  const out = new ByteWriter(64);
  for (const text of texts) {
    const bytes = Buffer.from(text);
    writeInteger(out, bytes.length);
    out.copy(bytes, 0, bytes.length);
  }
  return Buffer.from(out.view());
}

/** Writes the last `size` digits of `value` so that they end at `end`; nine at a time, because those fit into 32 bits. */
function putDigitsBefore(bytes: Buffer, end: number, size: number, value: number): void {
  const upper = value >= 1e9 ? Math.floor(value / 1e9) : 0;
  const start = Math.max(end - 9, end - size);
  let rest = (value - upper * 1e9) | 0;
  for (let at = end - 1; at >= start; at--) {
    const next = (rest / 10) | 0;
    bytes[at] = 48 + rest - next * 10;
    rest = next;
  }
  if (size > 9) putDigitsBefore(bytes, start, size - 9, upper);
}

function digitCount(value: number): number {
  let count = 1;
  for (let power = 10; value >= power; power *= 10) count++;
  return count;
}
