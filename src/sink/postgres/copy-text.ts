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
 * @see https://www.postgresql.org/docs/current/sql-copy.html (text format)
 */
export function writeCopyRows(out: ByteWriter, set: RowSet, from: number, limit: number): number {
  const { cells, rows, columns } = set;
  const { bytes } = cells.batch;
  const width = columns.length;
  const ordinals = Int32Array.from(columns, (column) => column.ordinal);
  let r = from;
  for (; r < rows.length && out.length < limit; r++) {
    const row = rows[r] as number;
    const bounds = cells.cells(row);
    const first = cells.first(row);
    for (let c = 0; c < width; c++) {
      const at = 2 * (first + (ordinals[c] as number));
      writeCopyCell(out, bytes, bounds[at] as number, bounds[at + 1] as number);
      out.byte(c + 1 === width ? NEWLINE : TAB);
    }
    if (width === 0) out.byte(NEWLINE);
  }
  return r;
}

function writeCopyCell(out: ByteWriter, source: Buffer, start: number, end: number): void {
  if (end < 0) {
    if (end === UNCHANGED) throw new Error('A row to be copied lacks an unchanged value');
    if (end !== NULL) throw new Error('A cell has no bounds');
    out.ensure(2);
    out.bytes[out.length++] = BACKSLASH;
    out.bytes[out.length++] = N_UPPER;
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
