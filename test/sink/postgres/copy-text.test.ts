import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batch, NULL, UNCHANGED } from '../../../src/change/batch.ts';
import { ByteWriter } from '../../../src/change/byte-writer.ts';
import { writeCopyRows } from '../../../src/sink/postgres/copy-text.ts';
import type { RowSet } from '../../../src/sink/postgres/row-set.ts';
import { RowCells } from '../../../src/sink/row-cells.ts';
import { addRow, type Cell, column, path, TRANSACTION, table } from '../../converter/fixture.ts';
import { WireOp } from '../../../src/converter/converter.ts';

const ESCAPES: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };

/** COPY's text of rows, said as plainly as possible. */
function copyText(rows: readonly (readonly Cell[])[]): string {
  const cell = (text: Cell): string =>
    text === null || text === undefined ? '\\N' : text.replaceAll(/[\t\n\r\\]/g, (c) => ESCAPES[c] ?? c);
  return rows.map((row) => `${row.map(cell).join('\t')}\n`).join('');
}

/** Adds a row as a decoder does, with a spare byte behind each value and two more for NULL. */
function addSpaced(batch: Batch, row: readonly Cell[]): number {
  const first = batch.cellCount;
  for (const text of row) {
    const bytes = Buffer.from(text ?? '..');
    const at = batch.reserve(bytes.length + 1);
    bytes.copy(batch.bytes, at);
    batch.addCell(at, text === null ? NULL : at + bytes.length);
    batch.byteLength = at + bytes.length + 1;
  }
  return first;
}

function setOf(batch: Batch, rows: readonly number[], ordinals: readonly number[]): RowSet {
  const columns = ordinals.map((ordinal) => ({ ordinal, alias: `c${ordinal}`, type: 'text' }));
  return { cells: new RowCells(batch), rows, columns };
}

/** What COPY is sent in frames of about `limit` bytes. */
function written(set: RowSet, limit: number): string {
  const frames: string[] = [];
  for (let next = 0; next < set.rows.length; ) {
    const out = new ByteWriter(1);
    next = writeCopyRows(out, set, next, limit);
    frames.push(out.view().toString());
  }
  return frames.join('');
}

const text = fc.oneof(
  { weight: 5, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a\t\n\r\\.N]{0,6}$/) },
);
const rowsOf = fc.array(fc.record({ cells: fc.array(text, { minLength: 3, maxLength: 3 }), isSpaced: fc.boolean() }), {
  maxLength: 60,
});

test('writes the same text for rows that can be copied at once and for those that cannot, in any order and frames', () => {
  fc.assert(
    fc.property(
      rowsOf,
      fc.constantFrom([0, 1, 2], [1], [2, 0], [0, 1]),
      fc.integer({ min: 1, max: 400 }),
      fc.nat(),
      (rows, ordinals, limit, turn) => {
        const batch = new Batch(1, 1, 1);
        const firsts = rows.map(({ cells, isSpaced }) => (isSpaced ? addSpaced : addRow)(batch, cells));
        const at = rows.length === 0 ? 0 : turn % rows.length;
        const turned = [...firsts.keys()].toSpliced(0, at).concat([...firsts.keys()].slice(0, at));
        const set = setOf(
          batch,
          turned.map((n) => firsts[n] as number),
          ordinals,
        );
        const expected = turned.map((n) => ordinals.map((c) => rows[n]?.cells[c]));
        expect(written(set, limit)).toBe(copyText(expected));
      },
    ),
    { numRuns: 400 },
  );
});

test('copies what a decoder has read, NULL, empty and wide values among it', async () => {
  const columns = [column('id', 'int8'), column('t', 'text'), column('b', 'bool'), column('u', 'text')];
  const { encoder, decoder } = await path(table(columns, { identity: 'default' }));
  const rows: Cell[][] = Array.from({ length: 3000 }, (_, i) => [
    String(i),
    i % 7 === 0 ? null : 'x'.repeat(i % 90),
    i % 2 === 0 ? 't' : 'f',
    i % 11 === 0 ? 'a\tb\\' : i % 5 === 0 ? null : '',
  ]);
  const [sent, batch, out] = [new Batch(), new Batch(), new ByteWriter()];
  sent.transactions.push(TRANSACTION);
  const firsts = rows.map((row) => {
    out.length = 0;
    encoder.value(sent, sent.addChange(1, 0, 0, 0, -1, addRow(sent, row)), WireOp.create, -1, sent.cellCount - 4, out);
    decoder.decode(out.bytes, 0, out.length, 0, 0, batch);
    return decoder.after;
  });
  expect(written(setOf(batch, firsts, [0, 1, 2, 3]), 10_000)).toBe(copyText(rows));
});

test('refuses a row that lacks an unchanged value', () => {
  const batch = new Batch();
  const first = batch.cellCount;
  batch.addCell(0, UNCHANGED);
  expect(() => written(setOf(batch, [first], [0]), 100)).toThrow('lacks an unchanged value');
});

test('ends a row without columns', () => {
  const batch = new Batch();
  expect(written(setOf(batch, [0, 0], []), 100)).toBe('\n\n');
});
