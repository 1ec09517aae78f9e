import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TableSchema } from '../../../../src/change/table-schema.ts';
import type { Finding } from '../../../../src/finding.ts';
import { findRelation, lookUpRelation } from '../../../../src/postgres/catalog.ts';
import type { ConnectionSettings } from '../../../../src/postgres/connection-settings.ts';
import { quoteIdentifier } from '../../../../src/postgres/identifier.ts';
import { checkPostgresSink } from '../../../../src/sink/postgres/preflight/preflight.ts';
import type { SourceType, SourceView } from '../../../../src/sink/postgres/preflight/source-view.ts';
import type { PostgresSinkSettings } from '../../../../src/sink/postgres/settings.ts';
import { type Database, freshDatabase } from '../../../support/postgres.ts';

const signal: AbortSignal = new AbortController().signal;

let source: Database;
let db: Database;
let role: string;

beforeEach(async () => {
  source = await freshDatabase('preflight_from');
  await source.query('create table orders (id int primary key, note varchar(20))');
  db = await freshDatabase('preflight_to');
  role = `Replay "${db.settings.database}`;
  const name = quoteIdentifier(role);
  await db.query(`create role ${name} login password 'replay-me';
    grant set on parameter session_replication_role to ${name};
    grant create on database ${quoteIdentifier(db.settings.database)} to ${name};
    grant create on schema public to ${name}`);
});

afterEach(async () => {
  await db.query(`drop owned by ${quoteIdentifier(role)}; drop role ${quoteIdentifier(role)}`);
  await db[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
});

async function view(types: readonly SourceType[] = []): Promise<SourceView> {
  const id = (await findRelation(source.client, 'public', 'orders')) as number;
  const facts = await lookUpRelation(source.client, id);
  return { tables: [{ ...facts, version: 1 } as TableSchema], types, database: 'elsewhere', encoding: 'UTF8' };
}

function settings(
  overrides: Partial<PostgresSinkSettings> = {},
  connection: Partial<ConnectionSettings> = {},
): PostgresSinkSettings {
  return {
    connection: { ...db.settings, user: role, password: 'replay-me', ...connection },
    name: 'replay',
    prefix: 'shop',
    ...overrides,
  };
}

async function check(given: PostgresSinkSettings = settings(), from?: SourceView): Promise<readonly Finding[]> {
  const findings = await checkPostgresSink(given, from ?? (await view()), signal);
  return findings.filter(({ level }) => level !== 'ok');
}

/** Finds exactly these, does what is said to mend them, and finds nothing any more. */
async function mend(
  expected: readonly string[],
  given: PostgresSinkSettings = settings(),
  from?: SourceView,
): Promise<void> {
  const found = await check(given, from);
  expect(found.map(({ level, check: what }) => `${level} ${what}`)).toEqual(expected);
  for (const { fix } of found) await db.query(fix as string);
  expect(await check(given, from)).toEqual([]);
}

const owned = (): string => `alter table orders owner to ${quoteIdentifier(role)}`;

describe('a look at a target', () => {
  test('has nothing to say where all is well', async () => {
    expect(await check()).toEqual([]);
  });

  test('says that tables were not compared when the source is not known', async () => {
    const found = await checkPostgresSink(settings(), undefined, signal);
    expect(found.filter(({ level }) => level !== 'ok')).toMatchObject([{ level: 'unknown', check: 'tables' }]);
  });

  test('gives the schema for progress to a role that may not create it', async () => {
    await db.query(`revoke create on database ${quoteIdentifier(db.settings.database)} from ${quoteIdentifier(role)}`);
    await mend(['problem progress']);
  });

  test('gives rights on progress tables of somebody else', async () => {
    await db.query(`create schema rowcast; create table rowcast.progress (connector text, prefix text, checkpoint_offset int8);
      create table rowcast.tables (connector text, prefix text, relation_id int8, owned bool)`);
    await mend(['problem progress', 'problem progress', 'problem progress']);
  });

  test('gives the right to silence triggers', async () => {
    await db.query(`revoke set on parameter session_replication_role from ${quoteIdentifier(role)}`);
    await mend(['warning session_replication_role']);
  });

  test('gives the right to create tables in a schema', async () => {
    await db.query(`revoke create on schema public from ${quoteIdentifier(role)}, public`);
    await mend(['problem rights']);
  });

  test('makes the table where the connector may not', async () => {
    await mend(['problem tables'], settings({ autoCreate: false, autoEvolve: false }));
  });

  test('gives rights on a table that is there', async () => {
    await db.query('create table orders (id int primary key, note varchar(20))');
    await mend(['problem rights', 'warning ownership']);
  });

  test('finds rows that are not its own, until they are gone or it has progress', async () => {
    await db.query(
      `create table orders (id int primary key, note varchar(20)); ${owned()}; insert into orders values (1)`,
    );
    await mend(['problem target.not.empty']);
    await db.query('insert into orders values (1)');
    expect(await check(settings({ onExisting: 'truncate' }))).toEqual([]);
    await db.query(`set role ${quoteIdentifier(role)}; create schema rowcast;
      create table rowcast.progress (connector text, prefix text, epoch int8, checkpoint_offset int8, state jsonb);
      create table rowcast.tables (connector text, prefix text, relation_id int8, owned bool, definition jsonb);
      insert into rowcast.progress values ('replay', 'shop', 1, 7); reset role`);
    expect(await check()).toEqual([]);
  });

  test('finds columns and keys that differ', async () => {
    await db.query(`create table orders (id bool); ${owned()}; insert into orders values (true)`);
    await mend(
      ['warning columns', 'problem columns', 'warning key'],
      settings({ autoEvolve: false, onExisting: 'truncate' }),
    );
  });

  test('takes a wider type for what it is', async () => {
    await db.query(`create table orders (id bigint primary key, note text); ${owned()}; insert into orders values (1)`);
    expect(await check(settings({ onExisting: 'truncate' }))).toEqual([]);
  });

  test('finds a view in the place of a table', async () => {
    await db.query('create view orders as select 1 as id');
    await mend(['problem tables']);
  });

  test('finds triggers that fire for replayed rows', async () => {
    await db.query(`create table orders (id int primary key, note varchar(20)); ${owned()};
      create function noop() returns trigger language plpgsql as 'begin return new; end';
      create trigger "On ""each" before insert on orders for each row execute function noop();
      alter table orders enable always trigger "On ""each"`);
    await mend(['warning triggers']);
  });

  test('finds types and extensions that the source has', async () => {
    const types: SourceType[] = [
      {
        name: 'public."Pair"',
        extension: null,
        extensionSchema: null,
        ddl: 'create type public."Pair" as (a integer, b text);',
        isAutomatic: false,
      },
      {
        name: 'public.mood',
        extension: null,
        extensionSchema: null,
        ddl: "create type public.mood as enum ('a');",
        isAutomatic: true,
      },
    ];
    await mend(['problem types'], settings(), { ...(await view()), types });
    const extension = {
      name: 'ext.citext',
      extension: 'citext',
      extensionSchema: 'ext',
      ddl: null,
      isAutomatic: false,
    };
    const [found] = (await check(settings(), { ...(await view()), types: [extension] })) as [Finding];
    expect(found).toMatchObject({ level: 'problem', check: 'extensions', object: 'extension citext' });
    expect(found.fix).toContain('create extension if not exists "citext" schema "ext";');
  });

  test('says nothing of settings that the connectors pin', async () => {
    await db.query(`alter role ${quoteIdentifier(role)} set default_transaction_read_only = on`);
    await db.query(`alter role ${quoteIdentifier(role)} set lock_timeout = 1`);
    expect(await check()).toEqual([]);
  });

  test('finds that it is the source', async () => {
    const [row] = await db.query<{ id: string }>(
      `select pg_postmaster_start_time() || '/' || oid as id from pg_database where datname = current_database()`,
    );
    const found = await check(settings(), { ...(await view()), database: row?.id as string });
    expect(found).toMatchObject([{ level: 'problem', check: 'loop' }]);
    await mend([], settings(), { ...(await view()), database: `${row?.id}0` });
  });

  test('finds a server that is not there', async () => {
    expect(await check(settings({}, { port: 1 }))).toMatchObject([{ level: 'problem', check: 'reachable' }]);
  });
});

test('a look changes nothing in the catalogs', async () => {
  await db.query(`create table orders (id int); ${owned()}`);
  const state = `select (select json_agg(c order by c.oid) from pg_class c), (select json_agg(n order by n.oid) from pg_namespace n),
    (select json_agg(t order by t.oid) from pg_type t), (select json_agg(a order by a.attrelid, a.attnum) from pg_attribute a where attrelid = 'orders'::regclass)`;
  const before = await db.query(state);
  await check();
  await check(settings({ onExisting: 'truncate', autoEvolve: false }));
  expect(await db.query(state)).toEqual(before);
});
