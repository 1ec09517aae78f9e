import { type Batch, NULL } from '../../change/batch.ts';
import type { ByteWriter } from '../../change/byte-writer.ts';
import { addNull, addText, addUnchanged, type ExactSide } from '../exact.ts';
import { approximateWriter, cellWriter, placeholderOf, placeholderText, zeroOf } from './cell-writer.ts';
import type { Field } from './field.ts';
import type { CellWriter } from './number-writer.ts';

/** One field of a row, ready to be written. */
interface Slot {
  readonly ordinal: number;
  readonly optional: boolean;
  readonly write: CellWriter;
  /** What a mode puts into the field instead of a text that it cannot carry; the text goes into the exact header all the same. */
  readonly approximate: CellWriter | undefined;
  /** What the field holds when it carries nothing: null, or the type's zero. */
  readonly empty: Buffer;
  /** What the field holds for a value that was not sent. */
  readonly unchanged: Buffer;
  /** A text that would read as "not sent"; it goes into the exact header. */
  readonly placeholder: Buffer | undefined;
  /** False for a column that a key-only row lacks. */
  readonly inKey: boolean;
}

/** Writes a record of some of a row's columns, value after value. */
export class RowWriter {
  readonly #slots: readonly Slot[];

  /** `fields` are all of the table's columns, `ordinals` those that the record has, `key` those of its key. */
  constructor(fields: readonly Field[], ordinals: readonly number[], key: readonly number[], placeholder: Buffer) {
    const isKey = new Set(key);
    this.#slots = ordinals.map((ordinal) => slotOf(fields[ordinal] as Field, ordinal, isKey.has(ordinal), placeholder));
  }

  /**
   * Appends the row whose first cell is `row`; what its fields cannot carry is appended to `exact`. A column outside the key
   * that a key-only row lacks is written as null or zero, and that is not worth an entry: the reader knows.
   */
  write(batch: Batch, row: number, out: ByteWriter, exact: ByteWriter, side: ExactSide, isKeyOnly: boolean): void {
    const { bytes, cells } = batch;
    const slots = this.#slots;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as Slot;
      const cell = 2 * (row + slot.ordinal);
      const end = cells[cell + 1] as number;
      if (end < 0) {
        if (!isKeyOnly || slot.inKey) writeMissing(slot, end, out, exact, side);
        else append(out, slot.empty);
        continue;
      }
      const start = cells[cell] as number;
      const mark = out.length;
      if (slot.optional) out.byte(2);
      if (!slot.write(bytes, start, end, out)) {
        out.length = mark;
        writeNearest(slot, bytes, start, end, out);
        addText(exact, side, slot.ordinal, bytes, start, end);
      } else if ((isKeyOnly && !slot.inKey) || isPlaceholder(slot, bytes, start, end)) {
        addText(exact, side, slot.ordinal, bytes, start, end);
      }
    }
  }
}

function slotOf(field: Field, ordinal: number, inKey: boolean, unavailable: Buffer): Slot {
  const { optional } = field;
  const placeholder = placeholderOf(field, unavailable);
  const text = placeholderText(field.kind);
  const empty = optional ? Buffer.of(0) : zeroOf(field);
  return {
    ordinal,
    optional,
    write: cellWriter(field),
    approximate: approximateWriter(field),
    empty,
    unchanged: placeholder === undefined ? empty : Buffer.concat([Buffer.from(optional ? [2] : []), placeholder]),
    placeholder: text === undefined ? undefined : Buffer.from(text),
    inKey,
  };
}

function writeNearest(slot: Slot, bytes: Buffer, start: number, end: number, out: ByteWriter): void {
  const mark = out.length;
  if (slot.approximate !== undefined) {
    if (slot.optional) out.byte(2);
    if (slot.approximate(bytes, start, end, out)) return;
    out.length = mark;
  }
  append(out, slot.empty);
}

function writeMissing(slot: Slot, end: number, out: ByteWriter, exact: ByteWriter, side: ExactSide): void {
  if (end === NULL) {
    append(out, slot.empty);
    if (!slot.optional) addNull(exact, side, slot.ordinal);
    return;
  }
  append(out, slot.unchanged);
  addUnchanged(exact, side, slot.ordinal);
}

function append(out: ByteWriter, bytes: Buffer): void {
  out.copy(bytes, 0, bytes.length);
}

function isPlaceholder(slot: Slot, bytes: Buffer, start: number, end: number): boolean {
  const { placeholder } = slot;
  if (placeholder === undefined || end - start !== placeholder.length) return false;
  return bytes[start] === placeholder[0] && placeholder.compare(bytes, start, end) === 0;
}
