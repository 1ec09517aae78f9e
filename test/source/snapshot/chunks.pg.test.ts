import { expect, test } from 'vitest';
import { lookUpCopyFacts } from '../../../src/source/snapshot/table-sizes.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { changesOf, open } from '../wal/wal-fixture.ts';

/** How key values of each type are made of a number; edge values among them. */
const KEYS: Readonly<Record<string, string>> = {
  int4: 'g - 300',
  int8: `case g when 1 then -9223372036854775808 else g end`,
  numeric: `case g when 1 then 'NaN' when 2 then 'Infinity' when 3 then '-Infinity' else (g / 7.0)::numeric(20, 6) end`,
  float8: `case g when 1 then 'NaN' when 2 then 'Infinity' else 1 / g::float8 end`,
  text: `case g when 1 then '' when 2 then e'a\\\\b''c\\td\\ne' else chr(60 + g % 70) || g || 'é' end`,
  'varchar(9)': `'x' || g`,
  'char(9)': `'x' || g`,
  bytea: `case g when 1 then '' else int4send(g) end`,
  uuid: 'md5(g::text)::uuid',
  timestamptz: `case g when 1 then 'infinity' when 2 then '-infinity' when 3 then '4714-11-24 00:00:00+00 BC' else to_timestamp(g * 1e5) end`,
  date: `case g when 1 then '-infinity' else '2000-01-01'::date + g end`,
  interval: `g * '1 month 1 day'::interval - '2 years'::interval`,
  inet: `'10.0.0.0'::inet + g`,
  'bit(12)': 'g::bit(12)',
  'int4[]': `array[g % 7, null, g]`,
  int4range: `int4range(g, g + 5)`,
  color: `(enum_range(null::color))[1 + g % 3]`,
  positive: 'g',
};

test('keys of every kind are cut into chunks in which each row is once', async () => {
  await using db = await freshDatabase('chunks_types');
  await db.query(`create type color as enum ('z', 'b', 'a'); create domain positive as int check (value > 0)`);
  const expected: Record<string, number> = {};
  for (const [n, [type, value]] of Object.entries(KEYS).entries()) {
    const rest = type === 'color' ? 'g' : '1';
    await db.query(`create table t${n} (part int, k ${type}, v text, primary key (k, part));
      insert into t${n} select ${rest}, ${value}, repeat('v', 90) from generate_series(1, 600) g; analyze t${n}`);
    expected[`t${n}`] = 600;
  }
  await using held = await open(db.settings, { snapshotThreads: 3, snapshotChunkBytes: 8192, maxBatchBytes: 32_768 });
  const { signal } = new AbortController();
  await held.create(signal);
  const rows: Record<string, Set<string>> = {};
  const ranged = new Set<number>();
  let read = 0;
  for await (const batch of held.snapshot(signal)) {
    for (const { table, ranges } of batch.copy?.open ?? [])
      if (ranges.some(({ from, to }) => from !== null || to !== null)) ranged.add(table);
    for (const { op, table, after } of changesOf(batch)) {
      if (op !== 'read') continue;
      read++;
      (rows[table] ??= new Set()).add(JSON.stringify(after));
    }
  }
  const counts = Object.entries(rows).map(([table, seen]) => [table, seen.size]);
  expect(Object.fromEntries(counts)).toEqual(expected);
  expect(read).toBe(600 * Object.keys(KEYS).length);
  expect(ranged.size).toBe(Object.keys(KEYS).length);
});

test('a table is cut by its identity, and only if plain comparisons have the order of its index', async () => {
  await using db = await freshDatabase('chunks_facts');
  await db.query(`
    create table plain (a int, b text, c int, primary key (c, b)); insert into plain select g, g, g from generate_series(1, 500) g;
    create table chosen (a int primary key, b uuid not null); create unique index chosen_b on chosen (b);
    alter table chosen replica identity using index chosen_b;
    create table pattern (a text not null); create unique index pattern_a on pattern (a text_pattern_ops);
    alter table pattern replica identity using index pattern_a;
    create table falling (a int not null); create unique index falling_a on falling (a desc);
    alter table falling replica identity using index falling_a;
    create table other (a text not null); create unique index other_a on other (a collate "C");
    alter table other replica identity using index other_a;
    create table including (a int, b int, primary key (a) include (b));
    create table keyless (a int);
    create table parts (a int primary key) partition by range (a); create table parts_1 partition of parts for values from (0) to (1000);
    insert into parts select g from generate_series(1, 400) g;
    analyze`);
  const names = ['plain', 'chosen', 'pattern', 'falling', 'other', 'including', 'keyless', 'parts'];
  const ids = await db.query<{ id: number }>(
    `select n::regclass::oid as id from unnest(array['${names.join("','")}']) with ordinality u (n, i) order by i`,
  );
  const facts = await lookUpCopyFacts(
    db.client,
    ids.map(({ id }) => id),
  );
  expect(Object.fromEntries(facts.map(({ rangeColumns }, i) => [names[i], rangeColumns.join()]))).toEqual({
    plain: 'c,b',
    chosen: 'b',
    pattern: '',
    falling: '',
    other: '',
    including: 'a',
    keyless: '',
    parts: 'a',
  });
  expect([facts[0]?.estimatedRows, facts[7]?.estimatedRows]).toEqual([500, 400]);
  const files = facts.map((each) => each.files);
  await db.query('truncate plain');
  const after = (
    await lookUpCopyFacts(
      db.client,
      ids.map(({ id }) => id),
    )
  ).map((each) => each.files);
  expect(after.map((each, i) => each === files[i])).toEqual([false, true, true, true, true, true, true, true]);
});
