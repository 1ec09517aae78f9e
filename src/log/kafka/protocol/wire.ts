import { TransientError } from '../../../errors.ts';

/** Writes Kafka's primitive types into a growing buffer. @see https://kafka.apache.org/protocol#protocol_types */
export class RequestWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256);
  #length = 0;

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  int8(value: number): this {
    this.#length = this.#room(1).writeInt8(value, this.#length);
    return this;
  }

  int16(value: number): this {
    this.#length = this.#room(2).writeInt16BE(value, this.#length);
    return this;
  }

  int32(value: number): this {
    this.#length = this.#room(4).writeInt32BE(value, this.#length);
    return this;
  }

  int64(value: number): this {
    this.#length = this.#room(8).writeBigInt64BE(BigInt(value), this.#length);
    return this;
  }

  unsignedVarint(value: number): this {
    const bytes = this.#room(5);
    let rest = value;
    while (rest > 127) {
      bytes[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[this.#length++] = rest;
    return this;
  }

  string(value: string): this {
    return this.int16(Buffer.byteLength(value)).#utf8(value);
  }

  nullableString(value: string | null): this {
    return value === null ? this.int16(-1) : this.string(value);
  }

  /** Of flexible versions: the length plus one as varint; 0 is null. */
  compactString(value: string): this {
    return this.unsignedVarint(Buffer.byteLength(value) + 1).#utf8(value);
  }

  bytes(value: Buffer): this {
    this.#room(value.length);
    this.#length += value.copy(this.#bytes, this.#length);
    return this;
  }

  /** No tagged fields. */
  noTags(): this {
    return this.int8(0);
  }

  array<T>(items: Iterable<T> & { readonly length: number }, write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** Gives away what was written; the writer starts empty again. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(256);
    this.#length = 0;
    return taken;
  }

  #utf8(value: string): this {
    const size = Buffer.byteLength(value);
    this.#length += this.#room(size).write(value, this.#length, 'utf8');
    return this;
  }

  #room(size: number): Buffer {
    const needed = this.#length + size;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

/** Reads Kafka's primitive types; never past the end: an answer that is too short is a TransientError that names it. */
export class ResponseReader {
  readonly #name: string;
  readonly #input: Buffer;
  /** Gives back the memory of the input, when nobody reads a view of it any more. */
  readonly release: (() => void) | undefined;
  #at = 0;

  /** `name` is the request's, for the error. */
  constructor(name: string, input: Buffer, release?: () => void) {
    this.#name = name;
    this.#input = input;
    this.release = release;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    return this.#input.readInt8(this.#take(1));
  }

  int16(): number {
    return this.#input.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#input.readInt32BE(this.#take(4));
  }

  /** Offsets and times: below 2^53. */
  int64(): number {
    return Number(this.#input.readBigInt64BE(this.#take(8)));
  }

  unsignedVarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 0x1000_0000; scale *= 128) {
      const byte = this.#input[this.#take(1)] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new TransientError(`The answer to ${this.#name} holds a number that is too long`);
  }

  string(): string {
    return this.nullableString() ?? '';
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#utf8(length);
  }

  compactNullableString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.#utf8(length);
  }

  compactString(): string {
    return this.compactNullableString() ?? '';
  }

  /** A view of the input; empty for null. */
  bytes(): Buffer {
    return this.raw(Math.max(0, this.int32()));
  }

  raw(length: number): Buffer {
    const start = this.#take(length);
    return this.#input.subarray(start, start + length);
  }

  /** An array's items; none for null. */
  array<T>(read: () => T): T[] {
    return this.#items(this.int32(), read);
  }

  compactArray<T>(read: () => T): T[] {
    return this.#items(this.unsignedVarint() - 1, read);
  }

  skipTags(): void {
    for (let tags = this.unsignedVarint(); tags > 0; tags--) {
      this.unsignedVarint();
      this.raw(this.unsignedVarint());
    }
  }

  #items<T>(count: number, read: () => T): T[] {
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  #utf8(length: number): string {
    const start = this.#take(length);
    return this.#input.toString('utf8', start, start + length);
  }

  #take(size: number): number {
    const start = this.#at;
    const end = start + size;
    if (end > this.#input.length) {
      throw new TransientError(
        `The answer to ${this.#name} ends after ${this.#input.length} bytes, ${end} were expected`,
      );
    }
    this.#at = end;
    return start;
  }
}
