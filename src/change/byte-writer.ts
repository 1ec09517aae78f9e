/** Shorter runs are copied by hand: a native call, and the view that it needs, costs more than the bytes. */
const NATIVE_BYTES = 48;
/** Shorter ones are copied by hand as fast. */
const MIN_SHELVED_BYTES = 16;

/**
 * A growing buffer that is written in place. Hot code calls `ensure` once per value and then stores into `bytes` at `length`.
 * What is written begins at `start`; before it is the shelf, room for copies of what is written often.
 */
export class ByteWriter {
  bytes: Buffer;
  length: number;
  readonly start: number;
  /** Tells this writer from others that write the same runs in turn: a small number. */
  slot: number;
  /** Replaced when what was on the shelf is no longer there. */
  #shelf: object = {};
  #shelved = 0;

  constructor(size: number = 1024, shelfBytes: number = 0, slot: number = 0) {
    this.bytes = Buffer.allocUnsafeSlow(shelfBytes + size);
    this.start = shelfBytes;
    this.length = shelfBytes;
    this.slot = slot;
  }

  /** Makes room for `size` more bytes. */
  ensure(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  byte(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  /** Appends `source[start..end)`. */
  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.ensure(size);
    const { bytes } = this;
    let at = this.length;
    this.length = at + size;
    if (size >= NATIVE_BYTES) {
      bytes.set(new Uint8Array(source.buffer, source.byteOffset + start, size), at);
      return;
    }
    let from = start;
    for (; from + 4 <= end; from += 4, at += 4) {
      bytes[at] = source[from] as number;
      bytes[at + 1] = source[from + 1] as number;
      bytes[at + 2] = source[from + 2] as number;
      bytes[at + 3] = source[from + 3] as number;
    }
    for (; from < end; from++) bytes[at++] = source[from] as number;
  }

  /** Appends a run, from the shelf if it stands there: copying within one buffer costs a quarter of copying between two. */
  put(run: Run): void {
    const { length, slot } = this;
    const size = run.length;
    if (run.homes[slot] !== this.#shelf && !this.#shelve(run)) return this.copy(run.bytes, 0, size);
    this.ensure(size);
    const at = run.places[slot] as number;
    this.bytes.copyWithin(length, at, at + size);
    this.length = length + size;
  }

  /** A 32-bit integer as zigzag varint, the way both Avro and Kafka's records write it. */
  varint(value: number): void {
    this.ensure(5);
    let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
    while (zigzag > 127) {
      this.bytes[this.length++] = (zigzag & 127) | 128;
      zigzag >>>= 7;
    }
    this.bytes[this.length++] = zigzag;
  }

  /** An unsigned integer below 2^48, big-endian, 6 bytes. */
  uint48(value: number): void {
    this.ensure(6);
    this.length = this.bytes.writeUIntBE(value, this.length, 6);
  }

  uint32(value: number): void {
    this.ensure(4);
    this.length = this.bytes.writeUInt32BE(value, this.length);
  }

  /** What was written, as a view: valid until the next write. */
  view(): Buffer {
    return this.bytes.subarray(this.start, this.length);
  }

  /** Puts a run that comes again on the shelf, if there is one that it fits on. A full one begins anew. */
  #shelve(run: Run): boolean {
    const size = run.length;
    if (size < MIN_SHELVED_BYTES || size > this.start) return false;
    if (!run.isRepeated) {
      run.isRepeated = true;
      return false;
    }
    if (this.#shelved + size > this.start) {
      this.#shelf = {};
      this.#shelved = 0;
    }
    run.homes[this.slot] = this.#shelf;
    run.places[this.slot] = this.#shelved;
    run.bytes.copy(this.bytes, this.#shelved, 0, size);
    this.#shelved += size;
    return true;
  }
}

/** Bytes that are written again and again, until they change; `ByteWriter.put` appends them. */
export class Run {
  readonly #content: ByteWriter;
  /** It was written before as it is now. For writers, as the next two: what is on a shelf of which, and where. */
  isRepeated = false;
  homes: (object | undefined)[] = [];
  places: number[] = [];

  constructor(size: number = 64) {
    this.#content = new ByteWriter(size);
  }

  get bytes(): Buffer {
    return this.#content.bytes;
  }

  get length(): number {
    return this.#content.length;
  }

  /** Begins to write it anew, after its first `kept` bytes. The writer is good until the run is put. */
  change(kept: number = 0): ByteWriter {
    this.isRepeated = false;
    if (this.homes.length > 0) this.homes = [];
    this.#content.length = kept;
    return this.#content;
  }
}
