import { expect, test } from 'vitest';
import type { ColumnType, TableSchema } from '../../../src/change/table-schema.ts';
import { announce, column, insert, remove, table, update } from '../batches.ts';
import { replica } from './replica.ts';

function typed(name: string, more: Partial<ColumnType> = {}): ColumnType {
  return { oid: 90_001, name, declared: name, modifier: -1, kind: 'base', base: name, baseModifier: -1, ...more };
}

test('rows of a table without columns are counted', async () => {
  const none = table('none', []);
  await using target = await replica();
  await target.apply([announce(none), insert(none), insert(none)]);
  await target.apply(Array.from({ length: 300 }, () => insert(none)));
  await target.apply([remove({ ...none, identity: 'full' })]);
  expect(await target.database.query('select count(*)::int as n from none')).toEqual([{ n: 301 }]);
});

test('many rows of a table that has as many columns as can be are updated and deleted', async () => {
  const wide = table('wide', ['id int*', ...Array.from({ length: 1599 }, (_, i) => `c${i} bool`)]);
  const row = (id: number, value: string): string[] => [String(id), value, ...Array.from({ length: 1598 }, () => 'f')];
  const ids = Array.from({ length: 250 }, (_, i) => i);
  await using target = await replica();
  await target.apply([announce(wide), ...ids.map((id) => insert(wide, ...row(id, 'f')))]);
  await target.apply(ids.map((id) => update(wide, ...row(id, 't'))));
  await target.apply(ids.slice(0, 210).map((id) => remove(wide, ...row(id, 't'))));
  const left = await target.database.query<{ n: number }>('select count(*)::int as n from wide where c0 and not c1598');
  expect(left).toEqual([{ n: 40 }]);
});

test("keys of an extension's type are compared by the extension's operator", async () => {
  const schema = 'more "kinds"';
  const quoted = '"more ""kinds""".hstore';
  const keyed: TableSchema = {
    ...table('keyed', []),
    key: [0],
    columns: [column('k', 'text', 1, { type: typed(quoted), nullable: false }), column('v', 'text', 2)],
  };
  await using target = await replica(
    {},
    `create schema "more ""kinds"""; create extension hstore schema "${schema.replaceAll('"', '""')}"`,
  );
  await target.apply([announce(keyed), insert(keyed, '"a"=>"1"', 'one'), insert(keyed, '"b"=>"2"', 'two')]);
  await target.apply([update(keyed, '"a"=>"1"', 'new'), remove(keyed, '"b"=>"2"', null)]);
  expect(await target.rows('keyed')).toEqual([['"a"=>"1"', 'new']]);
});

test('an enum is created, and its labels are added, when only an array of it is known', async () => {
  const moods = (...labels: string[]): TableSchema => ({
    ...table('moods', ['id int*']),
    columns: [
      column('id', 'int', 1, { nullable: false }),
      column('m', 'text', 2, { type: typed('kinds."_Mood"', { declared: 'kinds."Mood"[]', kind: 'array', labels }) }),
    ],
  });
  const [first, second] = [moods('sad', 'so so'), moods('sad', 'ok', 'so so')];
  await using target = await replica();
  await target.apply([announce(first), insert(first, '1', '{"so so",NULL}')]);
  await target.apply([announce(second), insert(second, '2', '{ok}')]);
  expect(await target.rows('moods')).toEqual([
    ['1', '{"so so",NULL}'],
    ['2', '{ok}'],
  ]);
});
