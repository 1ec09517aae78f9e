import { expect, test } from 'vitest';
import { ToldRows } from '../../src/conformance/told-rows.ts';
import { Batch, NULL, Op, UNCHANGED } from '../../src/change/batch.ts';
import type { TableSchema } from '../../src/change/table-schema.ts';
import { type Verdict, verdictTable } from './table.ts';
import { parseOptions } from './options.ts';

test('prints a line per source and a column per property', () => {
  const verdicts = new Map<string, Map<string, Verdict>>([
    [
      'wal',
      new Map<string, Verdict>([
        ['idle', 'passed'],
        ['resume', 'FAILED'],
      ]),
    ],
    ['query bulk', new Map<string, Verdict>([['idle', 'skipped']])],
  ]);
  expect(verdictTable('kafka', ['idle', 'resume'], verdicts).split('\n')).toEqual([
    '| on kafka   | idle    | resume |',
    '| ---------- | ------- | ------ |',
    '| wal        | passed  | FAILED |',
    '| query bulk | skipped |        |',
  ]);
});

test('takes sources, properties and logs by name, and refuses others', () => {
  expect(parseOptions(['--source', 'wal, query xid', '--short'])).toMatchObject({
    sources: ['wal', 'query xid'],
    logs: ['embedded', 'kafka'],
    effort: 'short',
  });
  expect(() => parseOptions(['--property', 'speed'])).toThrow('--property knows no speed');
  expect(parseOptions(['--help'])).toBeUndefined();
});

const type = {
  oid: 25,
  name: 'pg_catalog.text',
  declared: 'text',
  modifier: -1,
  kind: 'base',
  base: 'pg_catalog.text',
  baseModifier: -1,
} as const;
const table: TableSchema = {
  relationId: 1,
  version: 1,
  schema: 'public',
  name: 't',
  columns: ['id', 'v'].map((name, n) => ({ name, attnum: n + 1, type, nullable: true })),
  key: [0],
  identity: 'default',
};

function cells(batch: Batch, ...values: readonly (string | null | undefined)[]): number {
  const first = batch.cellCount;
  for (const value of values) {
    if (value === undefined || value === null) batch.addCell(0, value === null ? NULL : UNCHANGED);
    else batch.copyCell(Buffer.from(value), 0, Buffer.byteLength(value));
  }
  return first;
}

test('knows what a replica would have of what was told', () => {
  const told = new ToldRows();
  const batch = new Batch();
  batch.tables.push(table);
  const change = (op: Op, before: number, after: number) => batch.addChange(op, 0, 0, 0, before, after);
  change(Op.insert, -1, cells(batch, '1', 'a'));
  change(Op.insert, -1, cells(batch, '2', 'b'));
  change(Op.update, -1, cells(batch, '1', undefined));
  change(Op.keyChange, cells(batch, '1', null), cells(batch, '3', undefined));
  change(Op.delete, cells(batch, '2', null), -1);
  told.apply(batch);
  expect([...told.rows('public.t').values()]).toEqual([{ id: '3', v: 'a' }]);
  expect(told.counts.get('key change public.t')).toBe(1);
  const emptied = new Batch();
  emptied.addControl({ kind: 'truncate', tables: [table], cascade: false, restartIdentity: false }, 0, 0);
  told.apply(emptied);
  expect(told.rows('public.t').size).toBe(0);
});
