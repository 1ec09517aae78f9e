import { expect, test } from 'vitest';
import { Batch, Op, UNCHANGED } from '../../../../src/change/batch.ts';
import type { TableSchema } from '../../../../src/change/table-schema.ts';
import { ChunkWindow } from '../../../../src/source/wal/request/chunk-window.ts';

const DOCS = { relationId: 1, schema: 'public', name: 'docs', columns: [{}, {}], key: [0] } as unknown as TableSchema;
const UNSENT = Symbol('body that was not sent');

/** Rows as a snapshot shows them that shows the transactions below 100. */
function windowOf(...rows: readonly [key: string, body: string][]): ChunkWindow {
  const window = new ChunkWindow(DOCS, (xid) => xid < 100);
  for (const row of rows) window.add(Buffer.from(`${row.join('\t')}\n`));
  return window;
}

interface Said {
  readonly xid: number;
  readonly op: Op;
  readonly before?: string;
  readonly after?: readonly [key: string, body: string | typeof UNSENT];
}

function batchOf({ xid, op, before, after }: Said): Batch {
  const batch = new Batch();
  batch.tables.push(DOCS);
  batch.transactions.push({ xid, commitLsn: 1, commitTimeUs: 0 });
  const row = (cells: readonly (string | typeof UNSENT)[] | undefined): number => {
    if (cells === undefined) return -1;
    const first = batch.cellCount;
    for (const cell of cells) {
      if (typeof cell !== 'string') {
        batch.addCell(0, UNCHANGED);
        continue;
      }
      const at = batch.reserve(cell.length);
      batch.byteLength = at + batch.bytes.write(cell, at);
      batch.addCell(at, batch.byteLength);
    }
    return first;
  };
  batch.addChange(op, 0, 0, 1, row(before === undefined ? undefined : [before, UNSENT]), row(after));
  return batch;
}

function bodyAfter(batch: Batch): string | undefined {
  const at = 2 * ((batch.after[0] as number) + 1);
  const [start, end] = [batch.cells[at] as number, batch.cells[at + 1] as number];
  return end === UNCHANGED ? undefined : batch.bytes.toString('utf8', start, end);
}

const left = (window: ChunkWindow): number => window.count;

test('what an update lacks is the row that was read, which is not sent any more', () => {
  const window = windowOf(['1', 'one'], ['2', 'two']);
  const update = batchOf({ xid: 200, op: Op.update, after: ['1', UNSENT] });
  expect([window.touch(update, 0), bodyAfter(update), left(window)]).toEqual([true, 'one', 1]);
});

test('a key change that the snapshot does not show finds its row under the old key', () => {
  const window = windowOf(['1', 'the row'], ['2', 'one that is about to leave']);
  const moves = batchOf({ xid: 200, op: Op.keyChange, before: '1', after: ['2', UNSENT] });
  expect([window.touch(moves, 0), bodyAfter(moves), left(window)]).toEqual([true, 'the row', 0]);
});

test('a key change that the snapshot shows finds its row under the new key, whoever has the old one by then', () => {
  const window = windowOf(['1', 'one that came later'], ['2', 'the row']);
  const moves = batchOf({ xid: 50, op: Op.keyChange, before: '1', after: ['2', UNSENT] });
  expect([window.touch(moves, 0), bodyAfter(moves), left(window)]).toEqual([true, 'the row', 0]);
});

test('a key change whose row was not read lacks its values still, and takes others out', () => {
  for (const [xid, key] of [
    [200, '2'],
    [50, '1'],
  ] as const) {
    const window = windowOf([key, 'another row']);
    const moves = batchOf({ xid, op: Op.keyChange, before: '1', after: ['2', UNSENT] });
    expect([window.touch(moves, 0), bodyAfter(moves), left(window)]).toEqual([false, undefined, 0]);
  }
});

test('deletes and changes with all values take rows out', () => {
  const window = windowOf(['1', 'one'], ['2', 'two'], ['3', 'three']);
  expect(window.touch(batchOf({ xid: 200, op: Op.delete, before: '1' }), 0)).toBe(true);
  const moves = batchOf({ xid: 200, op: Op.keyChange, before: '2', after: ['4', 'sent'] });
  expect([window.touch(moves, 0), bodyAfter(moves), left(window)]).toEqual([true, 'sent', 1]);
});
