import { expect, test } from 'vitest';
import { compareTable } from '../../src/verify/compare.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';

const TABLE = { schema: 'public', name: 't' };
const SHAPE = `create table t (note text, b int, a text, primary key (a, b))`;
const ROWS = `insert into t select E'tab\\t newline\\n ' || i, i % 7, 'k' || i from generate_series(1, 5000) i`;

async function twoSides(...statements: readonly string[]): Promise<Database[]> {
  const sides = [await freshDatabase('compare'), await freshDatabase('compare')];
  for (const side of sides) for (const sql of statements) await side.query(sql);
  return sides;
}

test('says that equal tables are equal, and how many rows they have', async () => {
  const [source, replica] = (await twoSides(SHAPE, ROWS)) as [Database, Database];
  await using _source = source;
  await using _replica = replica;
  const comparison = await compareTable(source.client, replica.client, TABLE);
  expect(comparison).toEqual({ table: TABLE, rows: 5000, difference: undefined });
});

test('finds one changed cell and names its column, not its value', async () => {
  const [source, replica] = (await twoSides(SHAPE, ROWS)) as [Database, Database];
  await using _source = source;
  await using _replica = replica;
  await replica.query(`update t set note = 'secret' where a = (select max(a collate "C") from t)`);
  const { rows, difference } = await compareTable(source.client, replica.client, TABLE);
  expect(rows).toBe(4999);
  expect(difference).toEqual({ row: 5000, columns: ['note'], what: 'columns differ' });
});

test('tells null from an empty text', async () => {
  const [source, replica] = (await twoSides(SHAPE, `insert into t values (null, 1, 'x')`)) as [Database, Database];
  await using _source = source;
  await using _replica = replica;
  await replica.query(`update t set note = ''`);
  const { difference } = await compareTable(source.client, replica.client, TABLE);
  expect(difference?.columns).toEqual(['note']);
});

test('finds a row that only one side has', async () => {
  const [source, replica] = (await twoSides(SHAPE, ROWS)) as [Database, Database];
  await using _source = source;
  await using _replica = replica;
  await source.query(`insert into t values ('last', 1, 'z')`);
  const missing = await compareTable(source.client, replica.client, TABLE);
  expect(missing.difference).toEqual({ row: 5001, columns: [], what: 'row missing on the replica' });
  const surplus = await compareTable(replica.client, source.client, TABLE);
  expect(surplus.difference).toEqual({ row: 5001, columns: [], what: 'row only on the replica' });
  await source.query(`delete from t where a = 'k1'`);
  const other = await compareTable(source.client, replica.client, TABLE);
  expect(other.difference).toEqual({ row: 1, columns: [], what: 'keys differ' });
});

test('compares tables without key and with columns in another order', async () => {
  const [source, replica] = (await twoSides()) as [Database, Database];
  await using _source = source;
  await using _replica = replica;
  await source.query('create table t (a int, b text)');
  await replica.query('create table t (b text, a int)');
  for (const side of [source, replica])
    await side.query(`insert into t (a, b) values (2, 'x'), (1, 'y'), (1, null), (2, 'x')`);
  expect((await compareTable(source.client, replica.client, TABLE)).rows).toBe(4);
  await replica.query(`delete from t where ctid = (select max(ctid) from t)`);
  expect((await compareTable(source.client, replica.client, TABLE)).difference).toBeDefined();
});

test('names the side on which a table is missing', async () => {
  const [source, replica] = (await twoSides()) as [Database, Database];
  await using _source = source;
  await using _replica = replica;
  await source.query('create table t (a int primary key)');
  await expect(compareTable(source.client, replica.client, TABLE)).rejects.toThrow(
    'Cannot read public.t on the replica',
  );
});

test('holds back the server while a wide table is compared', async () => {
  const [source, replica] = (await twoSides(
    'create table t (a int primary key, b text)',
    `insert into t select i, repeat(md5(i::text), 3000) from generate_series(1, 400) i`,
  )) as [Database, Database];
  await using _source = source;
  await using _replica = replica;
  expect((await compareTable(source.client, replica.client, TABLE)).rows).toBe(400);
});
