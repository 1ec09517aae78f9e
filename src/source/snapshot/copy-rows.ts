import { type Batch, NULL } from '../../change/batch.ts';

const [TAB, NEWLINE, BACKSLASH] = [9, 10, 92];

/**
 * Appends a line of `COPY … TO STDOUT` (its newline included) to the batch: one cell per column. Returns the number of
 * cells. Throws a plain Error for a line without end.
 * @see https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 */
export function appendCopyLine(batch: Batch, line: Buffer): number {
  if (line[line.length - 1] !== NEWLINE) throw new Error('A line of COPY does not end');
  const at = batch.reserve(line.length);
  line.copy(batch.bytes, at);
  const { bytes } = batch;
  const end = at + line.length - 1;
  const cells = batch.cellCount;
  let start = at;
  let isEscaped = false;
  for (let i = at; i < end; i++) {
    const byte = bytes[i];
    if (byte === BACKSLASH) {
      isEscaped = true;
      i++; // whatever follows belongs to the escape
    } else if (byte === TAB) {
      addCell(batch, start, i, isEscaped);
      start = i + 1;
      isEscaped = false;
    }
  }
  addCell(batch, start, end, isEscaped);
  batch.byteLength = end;
  return batch.cellCount - cells;
}

function addCell(batch: Batch, start: number, end: number, isEscaped: boolean): void {
  if (!isEscaped) batch.addCell(start, end);
  else if (end - start === 2 && batch.bytes[start + 1] === 78) batch.addCell(0, NULL);
  else batch.addCell(start, unescape(batch.bytes, start, end));
}

/** Removes the escapes in place and returns the new end. The server writes letters and doubled backslashes only. */
function unescape(bytes: Buffer, start: number, end: number): number {
  let to = start;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    bytes[to++] = byte === BACKSLASH ? escaped(bytes[++i] as number) : byte;
  }
  return to;
}

function escaped(letter: number): number {
  switch (letter) {
    case 98:
      return 8; // b
    case 102:
      return 12; // f
    case 110:
      return 10; // n
    case 114:
      return 13; // r
    case 116:
      return 9; // t
    case 118:
      return 11; // v
    default:
      return letter;
  }
}
