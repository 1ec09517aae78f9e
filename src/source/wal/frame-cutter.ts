import { TransientError } from '../../errors.ts';

/** Hears what a replication connection says. Calls are synchronous, in the order of the wire; none may throw. */
export interface FrameListener {
  /** The payload of an XLogData message, good until the call returns; `lsn` is the place in the WAL it tells of. */
  message(bytes: Buffer, start: number, end: number, lsn: number): void;
  keepalive(walEnd: number, replyRequested: boolean): void;
  /** Bytes of every other message, or of a part of one: a copy, in order and complete. */
  other(bytes: Buffer): void;
}

/** One read of the socket; what comes after a pause was asked for is at most this much. */
const READ_BYTES = 128 * 1024;
/** Memory that grew for a larger message is kept up to this size. */
const KEPT_BYTES = 1024 * 1024;
/** Room for more than this is made once so much of a message is there: a length that is none costs no memory. */
const FIRST_BYTES = 16 * 1024 * 1024;
/** The server makes no message of more than 1 GB. */
const MAX_MESSAGE_BYTES = 0x4000_0000;
/** Kind and length of a message. */
const HEADER_BYTES = 5;
/** Headers of XLogData (kind, start LSN, WAL end, time) and of a keepalive (kind, WAL end, time, whether to reply). */
const DATA_HEADER_BYTES = 25;
const KEEPALIVE_BYTES = 18;

const COPY_DATA = 0x64; // d
const XLOG_DATA = 0x77; // w
const KEEPALIVE = 0x6b; // k

/**
 * Cuts the bytes of a replication connection into messages where they lie: those of the stream are told one by one, without an object
 * for each, all others are passed on. Bytes are put into `room()` and announced by `filled`. Pure: knows no socket.
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class FrameCutter {
  readonly #listener: FrameListener;
  #bytes: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** How much there is of a message that is not complete; it stands at the beginning. */
  #kept = 0;
  /** How much is still to come of a message that is passed on. */
  #passing = 0;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Where the next bytes go: never empty, good until `filled`. */
  room(): Buffer {
    return this.#bytes.subarray(this.#kept);
  }

  /** Tells what `size` bytes in `room()` complete. Throws TransientError on what is not the protocol; nothing may follow then. */
  filled(size: number): void {
    const end = this.#kept + size;
    const at = this.#cut(end);
    this.#kept = end - at;
    const needed = this.#kept < HEADER_BYTES ? HEADER_BYTES : this.#sizeAt(at);
    const wanted = this.#kept < FIRST_BYTES ? Math.min(needed, FIRST_BYTES) : needed;
    if (wanted > this.#bytes.length) this.#replace(wanted, at, end);
    else if (this.#kept === 0 && this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(READ_BYTES);
    else if (this.#kept > 0 && at > 0) this.#bytes.copyWithin(0, at, end);
  }

  /** Tells all complete messages up to `end` and returns where the first incomplete one begins. */
  #cut(end: number): number {
    const bytes = this.#bytes;
    let at = 0;
    if (this.#passing > 0) at = this.#pass(0, this.#passing, end);
    while (end - at >= HEADER_BYTES) {
      const size = this.#sizeAt(at);
      if (bytes[at] !== COPY_DATA) {
        at = this.#pass(at, size, end);
        continue;
      }
      if (size > end - at) break;
      this.#tell(at + HEADER_BYTES, at + size);
      at += size;
    }
    return at;
  }

  #tell(start: number, end: number): void {
    const bytes = this.#bytes;
    if (bytes[start] === XLOG_DATA && end - start >= DATA_HEADER_BYTES) {
      this.#listener.message(bytes, start + DATA_HEADER_BYTES, end, readLsn(bytes, start + 1));
    } else if (bytes[start] === KEEPALIVE && end - start === KEEPALIVE_BYTES) {
      this.#listener.keepalive(readLsn(bytes, start + 1), bytes[end - 1] !== 0);
    } else throw new TransientError('The server sent a replication message of unknown kind or length');
  }

  /** Passes on what there is of a message that begins at `at` and has `size` bytes to come; returns where it ends. */
  #pass(at: number, size: number, end: number): number {
    const next = Math.min(at + size, end);
    this.#passing = at + size - next;
    if (next > at) this.#listener.other(Buffer.from(this.#bytes.subarray(at, next)));
    return next;
  }

  /** The size of the message at `at`, its kind included. */
  #sizeAt(at: number): number {
    const length = uint32(this.#bytes, at + 1);
    if (length < 4 || length > MAX_MESSAGE_BYTES)
      throw new TransientError('The server sent a message of impossible length');
    return length + 1;
  }

  /** Takes memory that the message between `at` and `end` fits into: for a giant just as much, given back after it. */
  #replace(needed: number, at: number, end: number): void {
    const size = needed > KEPT_BYTES ? needed : Math.min(KEPT_BYTES, 2 ** Math.ceil(Math.log2(needed)));
    const larger = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(larger, 0, at, end);
    this.#bytes = larger;
  }
}

/** An unsigned 64-bit integer below 2^53. */
function readLsn(bytes: Buffer, at: number): number {
  return uint32(bytes, at) * 0x1_0000_0000 + uint32(bytes, at + 4);
}

function uint32(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
