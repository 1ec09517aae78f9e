import type { Batch, Transaction } from '../../change/batch.ts';
import { ByteWriter } from '../../change/byte-writer.ts';
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
  readonly #origin: Buffer;
  readonly #database: Buffer;
  readonly #table: Buffer;
  readonly #long: Long = new Long();
  #transaction: Transaction | undefined;
  #isRead = false;
  #blockId: Buffer = Buffer.alloc(0);
  #number = 0;
  #changes = 0;
  #processedMs = -1;
  /** The runs of bytes that stay the same within a transaction: up to the sequence, within it, and from it to the LSN. */
  readonly #head: ByteWriter = new ByteWriter(256);
  #sequence: Buffer = Buffer.alloc(0);
  readonly #middle: ByteWriter = new ByteWriter(256);
  /** op and the times; op is its second byte. */
  readonly #tail: ByteWriter = new ByteWriter(64);

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
    this.#origin = strings(origin.version, 'postgresql', origin.name);
    this.#database = strings(origin.database);
    this.#table = strings(table.schema, table.name);
  }

  write(batch: Batch, change: number, op: WireOp, out: ByteWriter): void {
    const transaction = batch.transactions[batch.transaction[change] as number] as Transaction;
    const isRead = op === WireOp.read;
    if (transaction !== this.#transaction || isRead !== this.#isRead) this.#enter(transaction, isRead);
    const lsn = batch.lsn[change] as number;
    out.copy(this.#head.bytes, 0, this.#head.length);
    this.#writeSequence(lsn, out);
    out.copy(this.#middle.bytes, 0, this.#middle.length);
    writeInteger(out, lsn);
    out.ensure(4);
    out.bytes[out.length++] = NONE; // xmin
    out.bytes[out.length++] = NONE; // origin
    out.bytes[out.length++] = NONE; // origin_lsn
    if (this.#hasBlock) this.#writeBlock(out);
    else out.bytes[out.length++] = NONE;
    const now = this.#clock.now();
    if (now !== this.#processedMs) this.#setProcessed(now);
    this.#tail.bytes[1] = op;
    out.copy(this.#tail.bytes, 0, this.#tail.length);
  }

  #enter(transaction: Transaction, isRead: boolean): void {
    const order = this.#order;
    order.enter(transaction);
    this.#transaction = transaction;
    this.#isRead = isRead;
    this.#writeHead(transaction, isRead);
    this.#writeMiddle(transaction);
    const previous = order.previousCommitLsn;
    this.#sequence = Buffer.from(previous < 0 ? '[null,"' : `["${previous}","`);
    if (!this.#hasBlock) return;
    this.#blockId = strings(`${transaction.xid}:${transaction.commitLsn}`);
    if (order.number !== this.#number) this.#changes = 0;
    this.#number = order.number;
  }

  #writeHead(transaction: Transaction, isRead: boolean): void {
    const head = this.#head;
    head.length = 0;
    head.copy(this.#origin, 0, this.#origin.length);
    writeInteger(head, Math.floor(transaction.commitTimeUs / 1000));
    head.byte(0); // snapshot: its union has the string first
    const snapshot = isRead ? TRUE : FALSE;
    head.copy(snapshot, 0, snapshot.length);
    head.copy(this.#database, 0, this.#database.length);
    head.byte(SOME); // sequence
  }

  #writeMiddle(transaction: Transaction): void {
    const middle = this.#middle;
    middle.length = 0;
    middle.byte(SOME);
    writeInteger(middle, transaction.commitTimeUs);
    middle.byte(SOME);
    this.#long.setProduct(transaction.commitTimeUs, 1000);
    writeLong(middle, this.#long.high, this.#long.low);
    middle.copy(this.#table, 0, this.#table.length);
    if (transaction.xid === 0) middle.byte(NONE);
    else {
      middle.byte(SOME);
      writeInteger(middle, transaction.xid);
    }
    middle.byte(SOME); // lsn
  }

  /** The JSON text `["<previous commit LSN>","<lsn>"]`. */
  #writeSequence(lsn: number, out: ByteWriter): void {
    const sequence = this.#sequence;
    const size = digitCount(lsn);
    out.varint(sequence.length + size + 2);
    out.copy(sequence, 0, sequence.length);
    out.ensure(size + 2);
    putDigitsBefore(out.bytes, out.length + size, size, lsn);
    out.length += size;
    out.bytes[out.length++] = 0x22; // "
    out.bytes[out.length++] = 0x5d; // ]
  }

  #writeBlock(out: ByteWriter): void {
    out.byte(SOME);
    out.copy(this.#blockId, 0, this.#blockId.length);
    writeInteger(out, ++this.#order.changes);
    writeInteger(out, ++this.#changes);
  }

  #setProcessed(nowMs: number): void {
    const tail = this.#tail;
    this.#processedMs = nowMs;
    tail.length = 0;
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

const TRUE = strings('true');
const FALSE = strings('false');

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
