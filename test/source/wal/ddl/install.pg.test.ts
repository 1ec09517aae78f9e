import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeError } from '../../../../src/errors.ts';
import { connect } from '../../../../src/postgres/connect.ts';
import { findDdlLog, installDdl, publishDdl } from '../../../../src/source/wal/ddl/ddl-log.ts';
import { type Database, freshDatabase, uniqueName } from '../../../support/postgres.ts';

const role = uniqueName('mallory');
const LISTS = { schemaInclude: [], schemaExclude: [], tableInclude: [], tableExclude: [] };
let source: Database;

beforeAll(async () => {
  source = await freshDatabase('install');
  await source.query(
    /* sql */ `create role ${role}; grant create on database ${source.settings.database} to ${role}; grant all on schema public to ${role}`,
  );
});

afterAll(async () => {
  await source.query(`drop owned by ${role} cascade; drop role ${role}`);
  await source[Symbol.asyncDispose]();
});

/** What the trigger has recorded since. */
async function recorded(from: number): Promise<{ tag: string; command: string | null; n: number; body: string }[]> {
  return await source.query(
    /* sql */ `select tag, command, jsonb_array_length(body -> 'changes') as n, body::text as body from rowcast.ddl where id > ${from} order by id`,
  );
}

async function last(): Promise<number> {
  return (await source.query<{ id: number }>(`select coalesce(max(id), 0)::int as id from rowcast.ddl`))[0]?.id ?? 0;
}

test('tables that somebody has put into schema rowcast beforehand are not written to', async () => {
  const makings = [
    `create table rowcast.ddl (id bigint primary key)`,
    `create table rowcast.ddl_capture (publication name primary key, lists jsonb)`,
    `create view rowcast.ddl as select 1 as id`,
  ];
  for (const making of makings) {
    await source.query(`set role ${role}; create schema rowcast; ${making}; reset role`);
    const error: unknown = await installDdl(source.client, [role]).catch((thrown: unknown) => thrown);
    expect(String(describeError(error)), making).toMatch(/is not what was installed|is not a table/);
    await source.query('drop schema rowcast cascade');
  }
});

test('another superuser may install again, and what is recorded stays', async () => {
  await installDdl(source.client, [role]);
  await source.query('create table kept (id int primary key)');
  await source.query(`create role ${role}_root superuser`);
  try {
    await source.query(`set session authorization ${role}_root`);
    await installDdl(source.client, [role]);
    await source.query('reset session authorization');
    expect(await findDdlLog(source.client)).toBeGreaterThan(0);
    expect(await recorded(0)).toHaveLength(1);
  } finally {
    await source.query('reset session authorization');
    await installDdl(source.client, [role]);
    await source.query(`drop owned by ${role}_root; drop role ${role}_root`);
  }
});

test('a list with an expression that is none is refused, wherever it stands', async () => {
  await source.query(`create publication mine`);
  await expect(publishDdl(source.client, 'mine', { ...LISTS, tableInclude: ['.*', '('] })).rejects.toThrow(
    'Postgres cannot compile',
  );
  await publishDdl(source.client, 'mine', { ...LISTS, tableInclude: ['public\\.listed.*'] });
});

test('a statement on a partitioned table is recorded once, whatever the number of partitions', async () => {
  const from = await last();
  await source.query(/* sql */ `create table p (id int, v int) partition by range (id);
    do $$ begin for i in 1..5 loop execute format('create table p_%s partition of p for values from (%s) to (%s)', i, i, i + 1); end loop; end $$;
    insert into p values (1, 1); alter table p add column w int; alter table p alter column v type bigint; alter table p detach partition p_2; drop table p`);
  expect((await recorded(from)).map(({ tag, n }) => `${tag} ${n}`)).toEqual([
    'CREATE TABLE 1',
    ...[1, 2, 3, 4, 5].map(() => 'CREATE TABLE 1'),
    'ALTER TABLE 1',
    'ALTER TABLE 1',
    'ALTER TABLE 1',
    'DROP TABLE 5',
  ]);
});

test('the text of a statement is kept only where it tells how values were converted', async () => {
  const from = await last();
  await source.query(`create table c (id int primary key, v text)`);
  await source.query(`alter table c add column w int; alter role ${role} password 'secret'`);
  await source.query(`alter table c alter column v type varchar(20) using left(v, 20)`);
  expect((await recorded(from)).map(({ command }) => command)).toEqual([
    null,
    null,
    'alter table c alter column v type varchar(20) using left(v, 20)',
  ]);
});

test('an index that was built anew concurrently is still known when it is dropped', async () => {
  await source.query('create table i (id int, v int); create unique index once on i (v)');
  await source.query('reindex index concurrently once');
  const from = await last();
  await source.query('drop index once');
  expect((await recorded(from)).map(({ tag, n }) => `${tag} ${n}`)).toEqual(['DROP INDEX 1']);
});

test('old rows are removed, and nobody waits for somebody who removes them', async () => {
  await source.query(
    `insert into rowcast.ddl (at, tag, body) select now() - interval '40 days', 'OLD', '{}' from generate_series(1, 20)`,
  );
  const other = await connect(source.settings, 'rowcast test');
  try {
    await other.query('begin; create table public.open_one (id int)');
    await source.query(`set lock_timeout = '5s'; create table open_two (id int); reset lock_timeout`);
    await other.query('commit');
  } finally {
    await other.end();
  }
  await source.query('alter table open_one add column v int');
  expect(await source.query(`select from rowcast.ddl where tag = 'OLD'`)).toEqual([]);
});

test('nobody is kept from creating tables when who has installed it has no rights to them', async () => {
  await installDdl(source.client, [role]);
  await source.query(/* sql */ `create role ${role}_cloud; grant ${role}_cloud to postgres; alter schema rowcast owner to ${role}_cloud; alter publication mine owner to ${role}_cloud;
    grant create on database ${source.settings.database} to ${role}_cloud; alter table rowcast.ddl owner to ${role}_cloud; alter table rowcast.ddl_state owner to ${role}_cloud; alter table rowcast.ddl_capture owner to ${role}_cloud;
    do $$ declare f regprocedure; begin for f in select oid from pg_proc where pronamespace = 'rowcast'::regnamespace order by proname = 'record_ddl' loop execute format('alter function %s owner to ${role}_cloud', f); end loop; end $$`);
  const from = await last();
  try {
    const warnings: string[] = [];
    source.client.on('notice', ({ message }) => warnings.push(message ?? ''));
    await source.query(
      `create table listed (id int primary key); create table listed_as as select 1 as id; alter table listed add column v int`,
    );
    expect((await recorded(from)).map(({ tag, n }) => `${tag} ${n}`)).toEqual([
      'CREATE TABLE 1',
      'CREATE TABLE AS 1',
      'ALTER TABLE 1',
    ]);
    expect(warnings.join()).toContain('Rowcast cannot publish public.listed');
  } finally {
    await source.query(
      `drop schema rowcast cascade; reassign owned by ${role}_cloud to postgres; drop owned by ${role}_cloud; drop role ${role}_cloud`,
    );
  }
});
