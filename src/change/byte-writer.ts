/** A growing buffer that is written in place. Hot code calls `ensure` once per value and then stores into `bytes` at `length`. */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(size: number = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(size);
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

  /** Appends `source[start..end)`. Short runs are copied by hand: a native call costs more than the bytes. */
  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.ensure(size);
    if (size < 24) {
      const { bytes } = this;
      let at = this.length;
      for (let i = start; i < end; i++) bytes[at++] = source[i] as number;
      this.length = at;
      return;
    }
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += size;
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
    return this.bytes.subarray(0, this.length);
  }
}
