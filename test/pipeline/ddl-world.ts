import { expect } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { installDdl } from '../../src/source/wal/ddl/ddl-log.ts';
import { catalogOf } from '../ddl/catalog.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { Replication, type ReplicationOptions } from './replication.ts';

/** A source whose DDL is followed, and its replica. */
export interface Pair extends AsyncDisposable {
  readonly source: Database;
  readonly target: Database;
  readonly replication: Replication;
}

/** A pair of databases, DDL replication set up at the source, and the loops between them, not yet started. */
export async function pair(
  sql: string,
  options: Partial<ReplicationOptions> = {},
  server?: ConnectionSettings,
): Promise<Pair> {
  const source = await freshDatabase('source', server);
  const target = await freshDatabase('target');
  await source.query(sql);
  await installDdl(source.client, [source.settings.user]);
  const replication = await Replication.open({ source: source.settings, target: target.settings, ...options });
  return {
    source,
    target,
    replication,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

/** Compares the catalogs, and the rows of every table of the users' schemas as text; what is not replayed may be left out of the first. */
export async function expectSame(source: Database, target: Database, leftOut: RegExp = /^$/): Promise<void> {
  for (const { client } of [source, target]) await client.query(`set search_path = ''`);
  const expected = (await catalogOf(source.client)).filter((line) => !leftOut.test(line));
  expect(await catalogOf(target.client)).toEqual(expected);
  for (const { client } of [source, target]) await client.query('set search_path = public');
  const tables = await source.query<{
    name: string;
  }>(/* sql */ `select case c.relkind when 'p' then '' else 'only ' end || c.oid::regclass as name from pg_class c
    join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^(pg_|information_schema$|rowcast$)' and c.relkind in ('r', 'p') and not c.relispartition`);
  for (const { name } of tables) {
    const sql = `select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]')::text as rows from ${name} t`;
    const [there, here] = [await source.query<{ rows: string }>(sql), await target.query<{ rows: string }>(sql)];
    expect(here[0]?.rows, `rows of ${name}`).toBe(there[0]?.rows);
  }
}
