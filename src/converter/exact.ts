import type { ByteWriter } from '../change/byte-writer.ts';
import { RecordError } from '../errors.ts';

/**
 * The `rowcast.exact` header (docs/format.md): what a value's schema cannot carry. Byte 1 (the version), then entries: side,
 * the column's number in the row's schema as LEB128, kind, and for a text its length as LEB128 and its bytes.
 */
export const EXACT_VERSION = 1;

/** Which row of the envelope an entry is about. */
export const ExactSide = { before: 0, after: 1 } as const;
export type ExactSide = (typeof ExactSide)[keyof typeof ExactSide];

/** What the column is instead of what the value says. */
export const ExactKind = { unchanged: 0, null: 1, text: 2 } as const;
export type ExactKind = (typeof ExactKind)[keyof typeof ExactKind];

/** Notes that the column was not sent (an unchanged TOAST value). */
export function addUnchanged(out: ByteWriter, side: ExactSide, column: number): void {
  addEntry(out, side, column, ExactKind.unchanged);
}

/** Notes that the column is NULL though its field cannot be. */
export function addNull(out: ByteWriter, side: ExactSide, column: number): void {
  addEntry(out, side, column, ExactKind.null);
}

/** Notes the column's exact text, `source[start..end)`. */
export function addText(
  out: ByteWriter,
  side: ExactSide,
  column: number,
  source: Buffer,
  start: number,
  end: number,
): void {
  addEntry(out, side, column, ExactKind.text);
  unsigned(out, end - start);
  out.copy(source, start, end);
}

const NOTHING = Buffer.alloc(0);

/** Walks the entries of one header without making objects: after `next()` has returned true the fields describe one entry. */
export class ExactReader {
  #bytes: Buffer = NOTHING;
  #at = 0;
  #end = 0;
  side: ExactSide = ExactSide.before;
  column = 0;
  kind: ExactKind = ExactKind.unchanged;
  textStart = 0;
  textEnd = 0;

  /** Starts on the header's value `bytes[start..end)`; an empty one has no entries. */
  open(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = Math.min(end, bytes.length);
    if (start >= end) return;
    const version = this.#byte();
    if (version !== EXACT_VERSION) throw newer(version);
  }

  /** Holds the bytes no longer. */
  close(): void {
    this.#bytes = NOTHING;
    this.#at = 0;
    this.#end = 0;
  }

  next(): boolean {
    if (this.#at >= this.#end) return false;
    const side = this.#byte();
    this.column = this.#unsigned();
    const kind = this.#byte();
    if (side > ExactSide.after || kind > ExactKind.text) throw malformed('has an unknown entry');
    this.side = side as ExactSide;
    this.kind = kind as ExactKind;
    if (kind === ExactKind.text) {
      const size = this.#unsigned();
      this.textStart = this.#at;
      this.textEnd = this.#at + size;
      if (this.textEnd > this.#end) throw malformed('is cut off');
      this.#at = this.textEnd;
    }
    return true;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw malformed('is cut off');
    return this.#bytes[this.#at++] as number;
  }

  #unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    const top = this.#byte();
    if (top > 7) throw malformed('holds a number above 2^31');
    return value + top * 0x1000_0000;
  }
}

function addEntry(out: ByteWriter, side: ExactSide, column: number, kind: ExactKind): void {
  if (out.length === 0) out.byte(EXACT_VERSION);
  out.byte(side);
  unsigned(out, column);
  out.byte(kind);
}

function unsigned(out: ByteWriter, value: number): void {
  let rest = value;
  for (; rest > 127; rest >>>= 7) out.byte((rest & 127) | 128);
  out.byte(rest);
}

function newer(version: number): RecordError {
  return new RecordError(`Header rowcast.exact has format ${version}, this Rowcast reads format ${EXACT_VERSION}`, {
    advice: 'A newer Rowcast has written it: start the newer Rowcast.',
  });
}

function malformed(what: string): RecordError {
  return new RecordError(`Header rowcast.exact ${what}`, {
    advice: 'The record was not written by Rowcast, or was damaged on the way.',
  });
}
