import { UNCHANGED } from '../../change/batch.ts';
import type { ByteWriter } from '../../change/byte-writer.ts';
import type { RowSet } from './row-set.ts';

const QUOTE = 39;

/** Appends SQL text. */
export function writeSql(out: ByteWriter, text: string): void {
  out.ensure(text.length * 3);
  out.length += out.bytes.write(text, out.length, 'utf8');
}

/**
 * Appends the row's cell as a literal: `null` or `'…'`. Quotes are doubled, nothing else is special, because the session has
 * standard_conforming_strings on.
 */
export function writeLiteral(out: ByteWriter, set: RowSet, row: number, ordinal: number): void {
  const start = set.cells.start(row, ordinal);
  const end = set.cells.end(row, ordinal);
  if (end < 0) {
    if (end === UNCHANGED) throw new Error('A value to be written was not sent');
    writeSql(out, 'null');
    return;
  }
  const source = set.cells.batch.bytes;
  out.ensure(2 * (end - start) + 2);
  const { bytes } = out;
  let at = out.length;
  bytes[at++] = QUOTE;
  for (let i = start; i < end; i++) {
    const byte = source[i] as number;
    if (byte === QUOTE) bytes[at++] = QUOTE;
    bytes[at++] = byte;
  }
  bytes[at++] = QUOTE;
  out.length = at;
}

/**
 * Appends `('1','a'),('2',null)`. With `typed`, the first row carries casts: they give the whole list its types, through the
 * types' own input functions. Without, the statement around it does (insert).
 */
export function writeValues(out: ByteWriter, set: RowSet, typed: boolean): void {
  for (const [r, row] of set.rows.entries()) {
    writeSql(out, r === 0 ? '(' : ',(');
    for (const [c, column] of set.columns.entries()) {
      if (c > 0) writeSql(out, ',');
      writeLiteral(out, set, row, column.ordinal);
      if (typed && r === 0) writeSql(out, `::${column.type}`);
    }
    writeSql(out, ')');
  }
}
