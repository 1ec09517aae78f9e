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
 * Values that stand in the batch as a decoder writes them, with one byte behind each, are copied many at once.
 * @see https://www.postgresql.org/docs/current/sql-copy.html (text format)
 */
export function writeCopyRows(out: ByteWriter, set: RowSet, from: number, limit: number): number {
  const { rows, columns } = set;
  const width = columns.length;
  if (width === 0) {
    for (let r = from; r < rows.length; r++) out.byte(NEWLINE);
    return rows.length;
  }
  const ordinals = Int32Array.from(columns, (column) => column.ordinal);
  let [r, c] = [from, 0];
  while (r < rows.length && (out.length < limit || c > 0)) {
    const cells = countRun(set, ordinals, r, c, limit - out.length);
    if (cells > 0) writeRun(out, set, ordinals, r, c, cells);
    else writeCell(out, set, rows[r] as number, ordinals[c] as number, c + 1 === width ? NEWLINE : TAB);
    c += Math.max(cells, 1);
    r += Math.floor(c / width);
    c %= width;
  }
  return r;
}

/**
 * How many values, from column `c` of row `r` on, stand behind one another as COPY wants them: whole rows of about `limit` bytes, or
 * what there is of one row.
 */
function countRun({ cells, rows }: RowSet, ordinals: Int32Array, r: number, c: number, limit: number): number {
  const { cells: bounds, bytes } = cells.batch;
  const width = ordinals.length;
  const row = rows[r] as number;
  if (row < 0) return 0;
  const start = bounds[2 * (row + (ordinals[c] as number))] as number;
  let end = start;
  let next = r;
  if (c === 0) {
    for (; next < rows.length && end - start < limit; next++) {
      const behind = (rows[next] as number) < 0 ? -1 : endOfRow(bounds, rows[next] as number, ordinals, end);
      if (behind < 0 || behind > bytes.length || !cells.plain.isPlain(end, behind - 1)) break;
      end = behind;
    }
    if (next > r) return (next - r) * width;
  }
  let n = c;
  for (; n < width; n++) {
    const behind = endOfCell(bounds, row + (ordinals[n] as number), end);
    if (behind < 0 || behind > bytes.length || !cells.plain.isPlain(end, behind - 1)) break;
    end = behind;
  }
  return n - c;
}

/** Where the byte behind a row ends whose values stand behind one another from `at` on; -1 when they do not. */
function endOfRow(bounds: Int32Array, row: number, ordinals: Int32Array, at: number): number {
  let end = at;
  for (let c = 0; c < ordinals.length && end >= 0; c++) end = endOfCell(bounds, row + (ordinals[c] as number), end);
  return end;
}

/** The same of one value; NULL has two bytes. */
function endOfCell(bounds: Int32Array, cell: number, at: number): number {
  const end = bounds[2 * cell + 1] as number;
  if (bounds[2 * cell] !== at || end === UNCHANGED) return -1;
  return (end === NULL ? at + 2 : end) + 1;
}

/** Copies so many values at once, and puts what COPY wants behind each of them. */
function writeRun(
  out: ByteWriter,
  { cells, rows }: RowSet,
  ordinals: Int32Array,
  r: number,
  c: number,
  n: number,
): void {
  const { cells: bounds, bytes: source } = cells.batch;
  const width = ordinals.length;
  const boundsOf = (cell: number): number =>
    2 * ((rows[r + Math.floor(cell / width)] as number) + (ordinals[cell % width] as number));
  const start = bounds[boundsOf(c)] as number;
  const last = boundsOf(c + n - 1);
  const shift = out.length - start;
  out.copy(source, start, endOfCell(bounds, last / 2, bounds[last] as number));
  const { bytes } = out;
  let [row, column] = [r, c];
  for (let left = n; left > 0; left--) {
    const cell = 2 * ((rows[row] as number) + (ordinals[column] as number));
    let at = (bounds[cell + 1] as number) + shift;
    if (bounds[cell + 1] === NULL) {
      at = (bounds[cell] as number) + shift;
      bytes[at++] = BACKSLASH;
      bytes[at++] = N_UPPER;
    }
    if (++column < width) bytes[at] = TAB;
    else {
      bytes[at] = NEWLINE;
      column = 0;
      row++;
    }
  }
}

/** Appends one value and what stands behind it. */
function writeCell(out: ByteWriter, { cells }: RowSet, row: number, ordinal: number, behind: number): void {
  const [start, end] = [cells.start(row, ordinal), cells.end(row, ordinal)];
  if (end < 0) {
    if (end === UNCHANGED) throw new Error('A row to be copied lacks an unchanged value');
    if (end !== NULL) throw new Error('A cell has no bounds');
    out.ensure(3);
    out.bytes[out.length++] = BACKSLASH;
    out.bytes[out.length++] = N_UPPER;
  } else {
    out.ensure(2 * (end - start) + 1); // every byte may need a backslash
    writeEscaped(out, cells.batch.bytes, start, end);
  }
  out.bytes[out.length++] = behind;
}

function writeEscaped(out: ByteWriter, source: Buffer, start: number, end: number): void {
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
