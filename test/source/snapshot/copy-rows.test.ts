import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batch, NULL } from '../../../src/change/batch.ts';
import { appendCopyLine } from '../../../src/source/snapshot/copy-rows.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** As the server writes a line. */
function copyLine(cells: readonly (string | null)[]): Buffer {
  const fields = cells.map((cell) =>
    cell === null ? '\\N' : cell.replaceAll(/[\b\f\n\r\t\v\\]/g, (c) => ESCAPES[c] as string),
  );
  return Buffer.from(`${fields.join('\t')}\n`);
}

function cellsOf(batch: Batch): (string | null)[] {
  return Array.from({ length: batch.cellCount }, (_, i) => {
    const [from, to] = [batch.cells[2 * i] as number, batch.cells[2 * i + 1] as number];
    return to === NULL ? null : batch.bytes.toString('utf8', from, to);
  });
}

test('reads every line of COPY as the values that were written', () => {
  const cell = fc.option(
    fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('\\', '\t', '\n', 'N', 'n', 'ü', '\r', '\v') }),
    ),
    { nil: null },
  );
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }), (rows) => {
      const batch = new Batch(1, 1, 1);
      for (const row of rows) expect(appendCopyLine(batch, copyLine(row))).toBe(row.length);
      expect(cellsOf(batch)).toEqual(rows.flat());
    }),
  );
});

test('refuses a line that does not end', () => {
  expect(() => appendCopyLine(new Batch(), Buffer.from('1\t2'))).toThrow('does not end');
  expect(() => appendCopyLine(new Batch(), Buffer.alloc(0))).toThrow('does not end');
});
