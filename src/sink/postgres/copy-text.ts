import type { ByteWriter } from '../../change/byte-writer.ts';
import { NULL, UNCHANGED } from '../../change/batch.ts';
import type { RowSet } from './row-set.ts';

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const BACKSLASH = 92;
const N_UPPER = 78;

/**
 * Appends rows from number `from` on as COPY text until `out` holds `limit` bytes, and returns the number of the next row.
 * Rows that stand in the batch as a decoder writes them, with one byte behind each value, are copied many at once.
 * @see https://www.postgresql.org/docs/current/sql-copy.html (text format)
 */
export function writeCopyRows(out: ByteWriter, set: RowSet, from: number, limit: number): number {
  const { rows, columns } = set;
  const ordinals = Int32Array.from(columns, (column) => column.ordinal);
  let r = from;
  while (r < rows.length && out.length < limit) {
    const end = endOfRun(set, ordinals, r, limit - out.length);
    if (end > r) writeRun(out, set, ordinals, r, end);
    else writeRow(out, set, ordinals, rows[r] as number);
    r = end > r ? end : r + 1;
  }
  return r;
}

/** The number behind the last row of those from `from` on that stand behind one another as COPY wants them, about `limit` bytes. */
function endOfRun({ cells, rows }: RowSet, ordinals: Int32Array, from: number, limit: number): number {
  const bounds = cells.batch.cells;
  const room = cells.batch.bytes.length;
  const width = ordinals.length;
  const first = rows[from] as number;
  if (width === 0 || first < 0) return from;
  const start = bounds[2 * (first + (ordinals[0] as number))] as number;
  let position = start;
  let r = from;
  for (; r < rows.length && position - start < limit; r++) {
    const row = rows[r] as number;
    if (row < 0) break;
    let at = position;
    for (let c = 0; c < width; c++) {
      const cell = 2 * (row + (ordinals[c] as number));
      const end = bounds[cell + 1] as number;
      if (bounds[cell] !== at || end === UNCHANGED) return r;
      at = (end === NULL ? at + 2 : end) + 1;
    }
    if (at > room || !cells.plain.isPlain(position, at - 1)) break;
    position = at;
  }
  return r;
}

/** Copies the rows at once, and puts what COPY wants behind each value. */
function writeRun(out: ByteWriter, { cells, rows }: RowSet, ordinals: Int32Array, from: number, to: number): void {
  const { cells: bounds, bytes: source } = cells.batch;
  const width = ordinals.length;
  const start = bounds[2 * ((rows[from] as number) + (ordinals[0] as number))] as number;
  const last = 2 * ((rows[to - 1] as number) + (ordinals[width - 1] as number));
  const lastEnd = bounds[last + 1] as number;
  const end = (lastEnd === NULL ? (bounds[last] as number) + 2 : lastEnd) + 1;
  const shift = out.length - start;
  out.copy(source, start, end);
  const { bytes } = out;
  for (let r = from; r < to; r++) {
    const row = rows[r] as number;
    let at = 0;
    for (let c = 0; c < width; c++) {
      const cell = 2 * (row + (ordinals[c] as number));
      at = (bounds[cell + 1] as number) + shift;
      if (bounds[cell + 1] === NULL) {
        at = (bounds[cell] as number) + shift;
        bytes[at++] = BACKSLASH;
        bytes[at++] = N_UPPER;
      }
      bytes[at] = TAB;
    }
    bytes[at] = NEWLINE;
  }
}

function writeRow(out: ByteWriter, { cells, columns }: RowSet, ordinals: Int32Array, row: number): void {
  const { bytes } = cells.batch;
  const bounds = cells.cells(row);
  const first = cells.first(row);
  for (let c = 0; c < ordinals.length; c++) {
    const at = 2 * (first + (ordinals[c] as number));
    writeCopyCell(out, bytes, bounds[at] as number, bounds[at + 1] as number);
  }
  if (columns.length === 0) out.byte(NEWLINE);
  else out.bytes[out.length - 1] = NEWLINE;
}

/** Appends the value and a tab. */
function writeCopyCell(out: ByteWriter, source: Buffer, start: number, end: number): void {
  if (end < 0) {
    if (end === UNCHANGED) throw new Error('A row to be copied lacks an unchanged value');
    if (end !== NULL) throw new Error('A cell has no bounds');
    out.ensure(3);
    out.bytes[out.length++] = BACKSLASH;
    out.bytes[out.length++] = N_UPPER;
    out.bytes[out.length++] = TAB;
    return;
  }
  out.ensure(2 * (end - start) + 1); // every byte may need a backslash
  const { bytes } = out;
  let at = out.length;
  for (let i = start; i < end; i++) {
    const byte = source[i] as number;
    if (byte > BACKSLASH || (byte > RETURN && byte < BACKSLASH)) {
      bytes[at++] = byte;
      continue;
    }
    const letter = escapeOf(byte);
    if (letter !== 0) bytes[at++] = BACKSLASH;
    bytes[at++] = letter === 0 ? byte : letter;
  }
  bytes[at++] = TAB;
  out.length = at;
}

/** The letter behind the backslash; 0 when the byte stands for itself. */
function escapeOf(byte: number): number {
  switch (byte) {
    case BACKSLASH:
      return BACKSLASH;
    case NEWLINE:
      return 110;
    case RETURN:
      return 114;
    case TAB:
      return 116;
    default:
      return 0;
  }
}
