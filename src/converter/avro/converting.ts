import type { Batch } from '../../change/batch.ts';
import type { ByteWriter } from '../../change/byte-writer.ts';
import { writeInteger, writeLong } from './long.ts';
import type { CellReader } from './number-reader.ts';
import type { CellWriter } from './number-writer.ts';
import { readText } from './text-reader.ts';

/** How Postgres's text becomes another form and back; for types that are too rare to be worth bytes. */
export interface Conversion<T> {
  /** Undefined for a text that has no such form. */
  readonly to: (text: string) => T | undefined;
  /** What the form means as Postgres would print it; a form that cannot be understood is given back as it is. */
  readonly from: (form: T) => string;
}

/** Writes a string; says false where reading it back would give another text. */
export function stringWriter({ to, from }: Conversion<string>): CellWriter {
  return (bytes, start, end, out) => {
    const text = bytes.toString('utf8', start, end);
    const form = to(text);
    if (form === undefined || from(form) !== text) return false;
    writeString(out, form);
    return true;
  };
}

/** Reads a string and appends the text that it stands for. */
export function stringReader({ from }: Conversion<string>): CellReader {
  return (input, batch) => {
    const start = batch.byteLength;
    readText(input, batch);
    const form = batch.bytes.toString('utf8', start, batch.byteLength);
    batch.byteLength = start;
    appendText(batch, from(form));
  };
}

/** Writes a long; says false where reading it back would give another text, unless `isLoose`. */
export function bigWriter({ to, from }: Conversion<bigint>, isLoose: boolean): CellWriter {
  return (bytes, start, end, out) => {
    const text = bytes.toString('latin1', start, end);
    const value = to(text);
    if (value === undefined || BigInt.asIntN(64, value) !== value) return false;
    if (!isLoose && from(value) !== text) return false;
    writeLong(out, Number(value >> 32n), Number(value & 0xffff_ffffn));
    return true;
  };
}

/** Reads a long and appends the text that it stands for. */
export function bigReader({ from }: Conversion<bigint>): CellReader {
  return (input, batch) => {
    input.long();
    appendText(batch, from(BigInt(input.high) * 0x1_0000_0000n + BigInt(input.low)));
  };
}

/** Reads by another reader and appends what `from` makes of its text. */
export function rereading(read: CellReader, from: (text: string) => string): CellReader {
  return (input, batch) => {
    const start = batch.byteLength;
    read(input, batch);
    const text = batch.bytes.toString('utf8', start, batch.byteLength);
    batch.byteLength = start;
    appendText(batch, from(text));
  };
}

/** Appends a string in Avro's form. */
export function writeString(out: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  writeInteger(out, bytes.length);
  out.copy(bytes, 0, bytes.length);
}

/** Appends a text to the batch's bytes. */
export function appendText(batch: Batch, text: string): void {
  const size = Buffer.byteLength(text);
  const at = batch.reserve(size);
  batch.byteLength = at + batch.bytes.write(text, at, 'utf8');
}
