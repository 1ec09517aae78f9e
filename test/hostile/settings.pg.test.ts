import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { checkPostgresSink } from '../../src/sink/postgres/preflight/preflight.ts';
import { Replication } from '../pipeline/replication.ts';
import { servers } from '../support/postgres.ts';
import { HOSTILE_SETTINGS, SHADOW } from './settings.ts';

const ROLE = 'rowcast_role';

const TYPES = /* sql */ `
  create type public."Mood" as enum ('so-so', 'NULL', 'a"b');
  create domain public.cents as numeric(12, 2) check (value > -1000);
  create type public.pair as (x int, y text)`;

/** Values whose text, or what a text means, depends on settings. */
const TABLES = /* sql */ `
  create table public.tricky (
    day date, part text, f4 real, f8 double precision, n numeric, ts timestamp, tz timestamptz, t time, ttz timetz, i interval, b bytea,
    m money, x xml, ints int[], texts text[], moods public."Mood"[], mood public."Mood", c public.cents, p public.pair, r regclass,
    rt regtype, j jsonb, s text, ch char(5), days daterange, v tsvector, primary key (day, part));
  create table public.keyless (day date, f8 double precision, texts text[], b bytea, m money);
  alter table public.keyless replica identity full;
  create table public.parent (id int primary key, s text);
  create table public.child (id int primary key, parent int references public.parent on delete cascade)`;

const ROW = (day: string, part: string): string => /* sql */ `
  insert into public.tricky values ('${day}', '${part}', 0.1::real / 3, 1.0::float8 / 3, 1e100, '2026-02-03 04:05:06.789', '2026-07-08 23:59:59+02',
    '24:00', '12:00+05:45', '-1 year 2 mons -3 days 04:05:06.7', '\\x5c00ff27', '-1234.56', 'text <a/> only', '{1,NULL,3}', '{NULL,"NULL","a\\\\b",é}',
    '{"NULL",NULL,"a\\"b"}', 'NULL', 12.3, '(1,"a,\\"b")', 'pg_catalog.pg_class', 'timestamp with time zone', '{"a": 1.10}', E'back\\\\slash \\'quote\\' é €',
    'ab', '[2026-01-02,2026-03-04)', 'a:1 b:2')`;

const KEYLESS = /* sql */ `
  insert into public.keyless values ('2026-03-04', 1.0::float8 / 3, '{NULL,"NULL"}', '\\x00ff', '1.50'), ('2026-03-04', 1.0::float8 / 3, '{NULL,"NULL"}', '\\x00ff', '1.50')`;

describe.each(servers)('$name', (kind) => {
  test('settings of role and database, and a schema that shadows pg_catalog, change nothing', async () => {
    await using server = await kind.start();
    const [source, target] = [await server.createDatabase('shop'), await server.createDatabase('replica')];
    await onDatabase(source, `${TYPES}; ${TABLES}; ${ROW('2026-03-04', 'copied')}; ${KEYLESS}; ${SHADOW}`);
    await onDatabase(target, `${TYPES}; ${SHADOW}`);
    await makeRole(server.settings(), [source, target]);
    await expect(unpinned(as(source), 'select now()')).rejects.toThrow('evil code ran as rowcast_role');
    await expect(
      unpinned(as(source), 'select pg_catalog.count(*) from public.tricky t where t.part = part'),
    ).rejects.toThrow('evil');
    await using replication = await Replication.open({ source: as(source), target: as(target) });
    replication.startSource();
    replication.startSink();
    await replication.settled();
    expect(await replication.expectEqual('tricky', 'keyless')).toBe(3);

    await change(source);
    await replication.settled();
    expect(await replication.expectEqual('tricky', 'keyless', 'parent', 'child')).toBe(7 + 1 + 300 + 299);
    const findings = await checkPostgresSink(
      { connection: as(target), name: 'replica', prefix: 'shop' },
      undefined,
      AbortSignal.timeout(20_000),
    );
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([]);
    expect(replication.warnings).toEqual([]);
  });
});

/** Every statement that a source has, in sizes that go by literals and by COPY. */
async function change(source: ConnectionSettings): Promise<void> {
  await onDatabase(
    source,
    `${ROW('2026-04-05', 'streamed')}; ${ROW('0044-03-15 BC', 'ides')}; ${ROW('infinity', 'never')}; ${ROW('2026-12-11', 'gone')}; ${KEYLESS}`,
  );
  await onDatabase(
    source,
    /* sql */ `insert into public.parent select g, 'p' || g from generate_series(1, 300) g;
    insert into public.child select g, g from generate_series(1, 300) g;
    insert into public.tricky (day, part) select date '2020-01-02' + g, 'many' from generate_series(1, 3) g;
    update public.tricky set tz = tz + interval '1 day', texts = texts || null::text, f8 = f8 / 7 where part <> 'many';
    update public.tricky set day = '2027-08-09' where part = 'streamed';
    delete from public.tricky where part = 'gone';
    update public.keyless set f8 = f8 / 3, m = m + '1' where ctid = (select min(ctid) from public.keyless);
    delete from public.keyless where ctid in (select ctid from public.keyless order by ctid limit 3);
    update public.child set parent = 301 - parent; delete from public.child where id = 7;
    update public.parent set id = id + 1000 where id = -1`,
  );
}

/** A superuser's role, so that nothing stands in the way of what it is told to run. */
async function makeRole(server: ConnectionSettings, databases: readonly ConnectionSettings[]): Promise<void> {
  const client = await connect(server, 'rowcast test');
  try {
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int / 10000 as version`,
    );
    const version = (rows[0] as { version: number }).version;
    await client.query(`create role ${ROLE} superuser login password 'secret'`);
    for (const { sql, since = 0, until = 99 } of HOSTILE_SETTINGS) {
      if (version < since || version > until) continue;
      await client.query(`alter role ${ROLE} set ${sql}`);
      for (const { database } of databases) await client.query(`alter database ${database} set ${sql}`);
    }
  } finally {
    await client.end();
  }
}

function as(settings: ConnectionSettings): ConnectionSettings {
  return { ...settings, user: ROLE, password: 'secret' };
}

/** In one transaction that is on disk when this resolves: the replication is waited for up to what is there then. */
async function onDatabase(settings: ConnectionSettings, sql: string): Promise<void> {
  const client = await connect(settings, 'rowcast test', { synchronous_commit: 'on' });
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** In a session that is what role and database say, save for the time that it has. */
async function unpinned({ host, port, database, user, password }: ConnectionSettings, sql: string): Promise<void> {
  const client = new pg.Client({
    options: '-c statement_timeout=0',
    host,
    port,
    database,
    user,
    ...(password === undefined ? {} : { password }),
  });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end().catch(() => {});
  }
}
