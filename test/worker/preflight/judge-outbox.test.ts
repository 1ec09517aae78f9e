import { expect, test } from 'vitest';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import type { SourcePreflight } from '../../../src/source/capture/preflight/source-preflight.ts';
import { withoutOutboxes } from '../../../src/worker/preflight/judge-outbox.ts';
import { column, table } from '../../converter/fixture.ts';
import { OUTBOX } from '../../pipeline/outbox/outbox-world.ts';

const ORDERS = table([column('id', 'int4')]);
const COLUMNS = ['id', 'aggregatetype', 'aggregateid', 'type', 'payload'].map((name) => column(name, 'text'));

function looked(...tables: readonly TableSchema[]): SourcePreflight {
  return { findings: [], tables, types: [], database: 'd', encoding: 'UTF8' };
}

test('an outbox is judged, and is no table of a topic or a replica', () => {
  const outbox = table(COLUMNS, { name: 'outbox' });
  const { tables, findings } = withoutOutboxes(looked(ORDERS, outbox), OUTBOX);
  expect(tables).toEqual([ORDERS]);
  expect(findings).toMatchObject([{ level: 'ok', check: 'outbox', object: 'table public.outbox' }]);
});

test('one that lacks a column is a problem, and none at all deserves a word', () => {
  const lacking = table(COLUMNS.slice(0, 2), { name: 'outbox' });
  expect(withoutOutboxes(looked(lacking), OUTBOX).findings).toMatchObject([
    {
      level: 'problem',
      message: expect.stringContaining('has no column "type"') as unknown,
      object: 'table public.outbox',
    },
  ]);
  expect(withoutOutboxes(looked(ORDERS), OUTBOX).findings).toMatchObject([{ level: 'warning', object: 'transform' }]);
});

test('without an outbox nothing is said', () => {
  expect(withoutOutboxes(looked(ORDERS), undefined)).toEqual(looked(ORDERS));
});
