import { describe, expect, inject, test } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { checkPostgresSink } from '../../src/sink/postgres/preflight/preflight.ts';
import { checkWalSource } from '../../src/source/wal/preflight/preflight.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { Replication } from '../pipeline/replication.ts';
import { freshDatabase, servers } from '../support/postgres.ts';

const ROLE = 'rowcast_role';

/**
 * What an ordinary user may make of a type that he owns: its casts and operators, and functions named like Postgres's own. Each of them runs
 * well for him, and raises an error in a session of Rowcast's role, a superuser.
 */
const TYPES = /* sql */ `
  create schema authorization mallory;
  set role mallory;
  set search_path = mallory;
  create function trap(what text) returns text language plpgsql immutable as $f$
    begin if session_user = '${ROLE}' then raise exception 'code of mallory ran as %', current_user; end if; return what; end $f$;
  create type mood as enum ('glad', 'sad');
  create function mood_text(mood) returns text language sql immutable as $f$ select mallory.trap(pg_catalog.enum_out($1)::text) $f$;
  create function text_mood(text) returns mood language plpgsql immutable as $f$
    begin perform mallory.trap($1); return $1::cstring::mallory.mood; end $f$;
  create cast (mood as text) with function mood_text(mood) as assignment;
  create cast (text as mood) with function text_mood(text) as assignment;
  create function same(mood, mood) returns boolean language sql immutable as $f$ select mallory.trap('t') is not null $f$;
  create operator = (function = same, leftarg = mood, rightarg = mood);
  create type pair as (m mood, t text);
  create function pair_text(pair) returns text language sql immutable as $f$ select mallory.trap('p') $f$;
  create cast (pair as text) with function pair_text(pair) as assignment;
  create function format(text, mood) returns text language sql immutable as $f$ select mallory.trap('f') $f$;
  create function num_nulls(mood) returns int language sql immutable as $f$ select length(mallory.trap('n')) $f$;
  reset role;`;

/** Tables of his at the source, with all that a table may bring along. */
const TABLES = /* sql */ `
  set role mallory;
  set search_path = mallory;
  create domain checked as text check (mallory.trap(value) is not null);
  create table loot (id int primary key, mood mood, c checked default mallory.trap('d'), p pair,
    check (mallory.trap('k') is not null));
  create index on loot (mallory.trap(c::text));
  create index on loot (id) where mallory.trap(c::text) is not null;
  create table keyless (mood mood, p pair, c checked);
  alter table keyless replica identity full;
  create function fire() returns trigger language plpgsql as $f$ begin perform mallory.trap('trigger'); return new; end $f$;
  create trigger fire before insert or update on loot for each row execute function fire();
  alter table loot enable always trigger fire;
  create policy hide on keyless using (mallory.trap('policy') is not null);
  alter table keyless enable row level security;
  create statistics ill on (mallory.trap(c::text)), id from loot;
  reset role;`;

const ROWS = (from: number, to: number): string => /* sql */ `
  insert into mallory.loot (id, mood, p) select g, 'glad', '(sad,x)' from generate_series(${from}, ${to}) g;
  insert into mallory.keyless select 'sad', ('(glad,' || g || ')')::mallory.pair, 'c' from generate_series(${from}, ${to}) g;`;

describe.each(servers)('$name', (kind) => {
  test('nothing that an ordinary user of the source or the replica owns runs as the role of Rowcast', async () => {
    await using server = await kind.start();
    const [source, target] = [await server.createDatabase('shop'), await server.createDatabase('replica')];
    await makeRoles(source); // they go with the server
    await run(source, `${TYPES} ${TABLES} ${ROWS(1, 500)}`);
    await run(target, TYPES);
    await expect(run(as(source), `select mood::text from mallory.loot`)).rejects.toThrow('code of mallory ran');
    await using replication = await Replication.open({ source: as(source), target: as(target) });
    replication.startSource();
    replication.startSink();
    await replication.settled();
    expect(await rows(source, target)).toBe(1000);

    await run(source, `${ROWS(501, 502)} ${ROWS(1001, 2000)}`);
    await run(
      source,
      /* sql */ `update mallory.loot set mood = 'sad', id = id + 10000 where id < 4; update mallory.loot set p = null where id > 1500;
      update mallory.keyless set mood = 'glad' where (p).t in ('1', '2'); delete from mallory.keyless where (p).t::int > 1990`,
    );
    await replication.settled();
    expect(await rows(source, target)).toBe(1502 + 1492);

    const look = AbortSignal.timeout(30_000);
    const { findings, ...view } = await checkWalSource(sourceSettings(as(source)), () => undefined, look);
    const replica = { connection: as(target), name: 'replica', prefix: 'shop' };
    const both = [...findings, ...(await checkPostgresSink(replica, view, look))];
    expect(both.filter(({ level }) => level === 'problem')).toEqual([]);
  });
});

/** Expressions that come from the source and would call him on the replica: by name, by operator, by a cast that shows no name. */
const EXPRESSIONS = {
  function: `mallory.trap('g')`,
  operator: `case when mood operator(mallory.=) 'sad' then 'yes' end`,
  cast: `mood::text`,
};

test.each(Object.entries(EXPRESSIONS))(
  'a generated column calls no %s of an ordinary user of the replica',
  async (_kind, expression) => {
    await using _roles = await makeRoles(inject('postgres'));
    await using source = await freshDatabase('hostile_from');
    await using target = await freshDatabase('hostile_to');
    for (const { settings } of [source, target]) await run(settings, TYPES);
    await run(
      source.settings,
      /* sql */ `set role mallory; create table mallory.loot (id int primary key, mood mallory.mood,
      g text generated always as (${expression}) stored)`,
    );
    await using replication = await Replication.open({ source: as(source.settings), target: as(target.settings) });
    replication.startSource();
    const sink = replication.startSink();
    await sink.ended;
    expect(String(sink.failure)).toContain('Generated column "g" of mallory.loot would run function mallory.');
  },
);

test('a column whose type was an ordinary user’s becomes text without his cast', async () => {
  await using _roles = await makeRoles(inject('postgres'));
  await using source = await freshDatabase('hostile_from');
  await using target = await freshDatabase('hostile_to');
  for (const database of [source, target]) await run(database.settings, TYPES);
  await run(
    source.settings,
    /* sql */ `set role mallory; create table mallory.loot (id int primary key, mood mallory.mood);
    create table mallory.keyless (mood mallory.mood); insert into mallory.loot values (1, 'glad'), (2, null)`,
  );
  await using replication = await Replication.open({ source: as(source.settings), target: as(target.settings) });
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await run(
    source.settings,
    `set role mallory; alter table mallory.loot alter mood type text; insert into mallory.loot values (3, 'free')`,
  );
  await replication.settled();
  expect(await rows(source.settings, target.settings)).toBe(3);
});

/** Roles belong to the server, which other tests use too. To be made before the databases, which then go first. */
async function makeRoles(server: ConnectionSettings): Promise<AsyncDisposable> {
  await run(server, `create role mallory; create role ${ROLE} superuser login password 'secret'`);
  return { [Symbol.asyncDispose]: () => run(server, `drop role mallory; drop role ${ROLE}`) };
}

function sourceSettings(connection: ConnectionSettings): WalSourceSettings {
  return {
    connection,
    name: 'shop',
    slotName: `slot_${connection.database}`,
    publicationName: `pub_${connection.database}`,
    publicationAutocreateMode: 'filtered',
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: [],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    snapshotMode: 'initial',
    snapshotThreads: 2,
    snapshotChunkBytes: 1024 * 1024,
    maxBatchBytes: 1024 * 1024,
    statusIntervalMs: 1_000,
  };
}

/** Compares both sides, and returns how many rows are equal. */
async function rows(source: ConnectionSettings, target: ConnectionSettings): Promise<number> {
  const [here, there] = [await connect(as(source), 'rowcast verify'), await connect(as(target), 'rowcast verify')];
  try {
    let equal = 0;
    for (const name of ['loot', 'keyless']) {
      const comparison = await compareTable(here, there, { schema: 'mallory', name });
      expect(comparison.difference, name).toBeUndefined();
      equal += comparison.rows;
    }
    return equal;
  } finally {
    await Promise.all([here.end(), there.end()]);
  }
}

function as(settings: ConnectionSettings): ConnectionSettings {
  return { ...settings, user: ROLE, password: 'secret' };
}

async function run(settings: ConnectionSettings, sql: string): Promise<void> {
  const client = await connect(settings, 'rowcast test', { row_security: 'on' });
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
