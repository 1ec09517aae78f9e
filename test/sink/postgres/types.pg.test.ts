import { expect, test } from 'vitest';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { findRelation, lookUpRelation } from '../../../src/postgres/catalog.ts';
import { type Cell, insert, remove, update, updateFrom } from '../batches.ts';
import { type Replica, replica } from './replica.ts';

/** A type and values of it, as SQL. */
const VALUES: readonly (readonly [type: string, ...values: string[]])[] = [
  ['boolean', 'true', 'false'],
  ['smallint', '-32768', '0'],
  ['bigint', '9223372036854775807', '-1'],
  ['numeric', "'NaN'", '1e100', '0.10'],
  ['numeric(10,2)', '12345678.90', '-0.01'],
  ['real', '0.1', "'-Infinity'"],
  ['double precision', '0.1::float8 + 0.2', "'-0'"],
  ['money', "'-1234.56'", "'0'"],
  ['text', "''", `E'tab\\t quote'' back\\\\slash \\n line €😀'`],
  ['varchar(7)', "'1234567'", "'€€€€€€€'"],
  ['char(5)', "'ab'", "''"],
  ['"char"', "'x'", `E'\\\\377'::"char"`],
  ['name', `'Some "Name"'`, "''"],
  ['bytea', `'\\x00ff27'`, "''"],
  ['bit(3)', "B'101'", "B'000'"],
  ['bit varying(9)', "B'1'", "B''"],
  ['date', "'infinity'", "'0044-03-15 BC'"],
  ['time(2)', "'24:00:00'", "'01:02:03.45'"],
  ['timetz', "'01:02:03+14:00'", "'00:00-15:59'"],
  ['timestamp(3)', "'2026-02-28 12:34:56.789'", "'-infinity'"],
  ['timestamptz', "'2026-02-28 12:34:56.789012+05'", "'4713-01-01 00:00:00+00 BC'"],
  ['interval', "'1 year -2 days 03:04:05.678'", "'-1 mon'"],
  ['interval day to second(2)', "'2 days 03:04:05.67'", "'0'"],
  ['uuid', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"],
  ['json', `'{"b": 1,  "a": [null, "x''y"]}'`, "'null'"],
  ['jsonb', `'{"b": 1, "a": "\\u00e9"}'`, "'null'"],
  ['jsonpath', `'$.a[*] ? (@ > 1)'`, "'$'"],
  ['xml', `'<a b="c">x</a>'`, "'text only'"],
  ['inet', "'10.0.0.1'", "'::1/64'"],
  ['cidr', "'10.0.0.0/8'", "'::/0'"],
  ['macaddr', "'08:00:2b:01:02:03'", "'00:00:00:00:00:00'"],
  ['point', "'(1.5,-2)'", "'(0,0)'"],
  ['box', "'(2,2),(1,1)'", "'(0,0),(0,0)'"],
  ['polygon', "'((0,0),(1,1),(2,0))'", "'((0,0))'"],
  ['tsvector', `$$'a':1A 'b''c':2$$`, "''"],
  ['tsquery', `$$'a' & !'b'$$`, "''"],
  ['int4range', "'[1,5)'", "'empty'"],
  ['tstzrange', "'[2026-01-01 00:00:00+00,)'", "'(,)'"],
  ['int[]', "'{1,NULL,3}'", "'[2:3][1:1]={{1},{2}}'"],
  ['varchar(3)[]', `'{"a,b","",NULL}'`, "'{}'"],
  ['text[]', `array['NULL', null, '"', E'\\\\', '{}']`, "'{}'"],
  ['oid', '4294967295', '0'],
  ['pg_lsn', "'16/B374D848'", "'0/0'"],
  ['regclass', "'pg_catalog.pg_class'::regclass", '0'],
  ['kinds."Mood"', `'so so'`, `'it''s'`],
  ['kinds."Mood"[]', `array['so so']::kinds."Mood"[]`, "'{}'"],
  ['kinds.pair', `row(1, 'a,"b')::kinds.pair`, "'(,)'"],
  ['kinds.short', "'abc'", "''"],
];

const PREPARE = `create schema kinds; create type kinds."Mood" as enum ('so so', 'it''s');
  create type kinds.pair as (a int, b text); create domain kinds.short as varchar(3) check (value <> 'no');
  create table source (id int primary key, ${VALUES.map(([type], c) => `v${c} ${type}`).join(', ')});
  insert into source values ${[0, 1].map((r) => `(${r + 1}, ${VALUES.map(([, ...values]) => values[r]).join(', ')})`).join(', ')}, (3${', null'.repeat(VALUES.length)})`;

async function sourceRows(target: Replica): Promise<Cell[][]> {
  const names = ['id', ...VALUES.map((_, c) => `v${c}`)];
  // What a source sends is what the types' output functions write under the pinned session settings.
  const cells = names.map((name) => `case num_nulls(${name}) when 0 then format('%s', ${name}) end`);
  const rows = await target.database.query<{ cells: Cell[] }>(
    `set search_path = ''; select array[${cells.join(', ')}] as cells from public.source order by id`,
  );
  await target.database.query('set search_path = public');
  return rows.map((row) => row.cells);
}

async function describeSource(target: Replica): Promise<TableSchema> {
  const { client } = target.database;
  await client.query(`set search_path = ''`);
  const oid = (await findRelation(client, 'public', 'source')) as number;
  const facts = await lookUpRelation(client, oid);
  await client.query('set search_path = public');
  return { ...(facts as NonNullable<typeof facts>), version: 1 };
}

async function differences(target: Replica): Promise<unknown[]> {
  const names = VALUES.map((_, c) => `format('%s', t.v${c})`);
  const text = `select t.id % 1000, ${names.join(', ')} from`;
  return await target.database.query(
    `(${text} copy.source t except ${text} source t) union all (${text} source t except ${text} copy.source t)`,
  );
}

test('every type arrives as it left, on every way that a row can take', async () => {
  await using target = await replica({ schemaMapping: { public: 'copy' } }, PREPARE);
  const schema = await describeSource(target);
  const rows = await sourceRows(target);
  const blank = rows.map(([id]) => [id as Cell, ...VALUES.map(() => null)]);
  const numbered = (row: Cell[], n: number): Cell[] => [`${1000 * n + Number(row[0])}`, ...row.slice(1)];
  const hundred = (of: Cell[][]): Cell[][] =>
    Array.from({ length: 100 }, (_, n) => of.map((row) => numbered(row, n))).flat();

  await target.apply(rows.map((row) => insert(schema, ...row)));
  expect(await differences(target)).toEqual([]);
  await target.apply(blank.map((row) => update(schema, ...row)));
  expect(await differences(target)).not.toEqual([]);
  await target.apply(rows.map((row) => update(schema, ...row)));
  expect(await differences(target)).toEqual([]);
  await target.apply(rows.map((row) => remove(schema, ...row)));

  await target.apply(hundred(rows).map((row) => insert(schema, ...row)));
  expect(await differences(target)).toEqual([]);
  await target.apply(hundred(blank).map((row) => update(schema, ...row)));
  await target.apply(hundred(rows).map((row) => update(schema, ...row)));
  expect(await differences(target)).toEqual([]);
  expect(await target.rows('copy.source')).toHaveLength(300);
});

test('a row without key is found by values of every type', async () => {
  await using target = await replica({ schemaMapping: { public: 'copy' } }, PREPARE);
  const schema: TableSchema = { ...(await describeSource(target)), key: [], identity: 'full' };
  const rows = await sourceRows(target);
  await target.apply([...rows, ...rows].map((row) => insert(schema, ...row)));
  await target.apply(rows.map((row) => updateFrom(schema, row, ['7', ...row.slice(1)])));
  await target.apply(rows.map((row) => remove(schema, '7', ...row.slice(1))));
  expect(await target.rows('copy.source')).toHaveLength(3);
  expect(await differences(target)).toEqual([]);
});

test('what a created table declares is what the source declares', async () => {
  await using target = await replica({ schemaMapping: { public: 'copy' } }, PREPARE);
  await target.apply([insert(await describeSource(target), '1', ...VALUES.map(() => null))]);
  const declared = (name: string): string => `select attname, format_type(atttypid, atttypmod) as type, attnotnull
    from pg_attribute where attrelid = '${name}'::regclass and attnum > 0 order by attnum`;
  expect(await target.database.query(declared('copy.source'))).toEqual(await target.database.query(declared('source')));
});
