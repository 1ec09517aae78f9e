import { expect, test } from 'vitest';
import { connect } from '../../src/postgres/connect.ts';
import { applicationName } from '../../src/source/capture/holder.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import { socketOf } from '../../src/postgres/bounded-client.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

const SMALL_STEPS: Partial<WalSourceSettings> = {
  maxBatchBytes: 64 * 1024,
  snapshotChunkBytes: 1024,
  snapshotThreads: 3,
};

const SCHEMA = /* sql */ `
  create table docs (id int primary key, n int, body text not null);
  insert into docs select g, 0, repeat(md5(g::text), 80) from generate_series(1, 4000) g;
  create table words (word text primary key, v text);
  insert into words select md5(g::text), 'v' from generate_series(1, 6000) g;
  create table zebra (id int primary key, v text);
  insert into zebra select g, repeat('z', 100) from generate_series(1, 2000) g`;
const TABLES = ['docs', 'words', 'zebra'];

async function pair(name: string, schema: string) {
  const source = await freshDatabase(`${name}_source`);
  const target = await freshDatabase(`${name}_target`);
  await source.query(schema);
  const replication = await Replication.open({ source: source.settings, target: target.settings, wal: SMALL_STEPS });
  return {
    source,
    replication,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

async function begun(replication: Replication, changes: number): Promise<void> {
  await eventually(() => replication.sourceProgress.changes > changes, 'the copy to be under way');
  expect(replication.sourceProgress.state).toBe('snapshot');
}

test.each([
  'alter table zebra add x int default 1',
  'truncate zebra',
  'vacuum full zebra',
  'alter table docs alter n type bigint',
])('who waits for a table that is copied holds nobody up: %s', async (statement) => {
  await using world = await pair('waits', SCHEMA);
  const { source, replication } = world;
  replication.startSource();
  const applying = replication.startSink();
  await begun(replication, 100);
  await source.query(statement);
  await source.query(/* sql */ `insert into zebra values (100000, 'after')`);
  await replication.settled();
  await replication.expectEqual(...TABLES);
  expect(applying.failure).toBeUndefined();
});

test('a copy goes on when the connection of one of its readers is cut', async () => {
  await using world = await pair('cut', SCHEMA);
  const { source, replication } = world;
  replication.startSource();
  replication.startSink();
  await begun(replication, 500);
  const cut = await source.query(/* sql */ `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name like 'rowcast:%' and query ~ '^(copy|select) .*docs' limit 1`);
  expect(cut).toHaveLength(1);
  await replication.settled();
  expect(await replication.expectEqual(...TABLES)).toBe(12_000);
  expect(String(replication.lastRetry)).toContain('Cannot copy table public.docs');
});

/** Creations of temporary slots that wait, or that nobody waits for any more. */
async function temporarySlots(source: Database): Promise<number[]> {
  const rows = await source.query<{ pid: number }>(/* sql */ `select active_pid as pid from pg_replication_slots
    where temporary and database = current_database()`);
  return rows.map(({ pid }) => pid);
}

test('a snapshot that waits for a long transaction leaves no slot behind, stopped or killed', async () => {
  await using world = await pair('long', SCHEMA);
  const { source, replication } = world;
  replication.startSink();
  const copying = replication.startSource();
  await begun(replication, 500);
  await copying.stop();
  const other = await connect(source.settings, 'rowcast test');
  await other.query(/* sql */ `begin; create table public.open_transaction ()`);
  const waiting = replication.startSource();
  await eventually(async () => (await temporarySlots(source)).length === 1, 'a snapshot that waits');
  await waiting.stop();
  await eventually(async () => (await temporarySlots(source)).length === 0, 'its slot to go');
  // A process that was killed while it waited; of those at one offset the greater id is the newer.
  const killed = applicationName('shop', { daemon: 'one', offset: 0, id: '0' });
  const walsender = await connect(source.settings, killed, { replication: 'database' });
  const created = walsender.query(
    'CREATE_REPLICATION_SLOT "rowcast_copy_1" TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT',
  );
  await eventually(async () => (await temporarySlots(source)).length === 1, 'its snapshot that waits');
  const [left] = await temporarySlots(source);
  socketOf(walsender).destroy();
  await expect(created).rejects.toThrow();
  replication.startSource();
  await eventually(async () => {
    const [pid, ...more] = await temporarySlots(source);
    return pid !== undefined && pid !== left && more.length === 0;
  }, 'the newer process to have the only slot');
  await other.query('rollback');
  await other.end();
  await replication.settled();
  expect(await replication.expectEqual(...TABLES)).toBe(12_000);
});

/** Types of keys, and values of them: some hundred, and those at the ends of their order. */
const KEYS: readonly [type: string, values: string][] = [
  [
    'float8',
    `select (g - 150) * 1.1e300 / 150 from generate_series(1, 300) g union select unnest('{NaN,Infinity,-Infinity,0.1,5e-324}'::float8[])`,
  ],
  [
    'numeric',
    `select (g - 150) / 7.0 from generate_series(1, 300) g union select unnest('{NaN,Infinity,-Infinity,1e400,-0.000}'::numeric[])`,
  ],
  [
    'timestamptz',
    `select '2000-01-01'::timestamptz + g * interval '1 year 1 us' from generate_series(-300, 300) g union select unnest('{infinity,-infinity,4713-01-01 BC}'::timestamptz[])`,
  ],
  ['interval', `select g * interval '1 day 3 ms' - interval '2 months' from generate_series(1, 300) g`],
  [
    'text',
    `select chr(65 + g % 60) || repeat(chr(223 + g), g % 7) || E'\\\\n\\t''"' || g from generate_series(1, 300) g union select ''`,
  ],
  ['text collate "C"', `select md5(g::text) from generate_series(1, 300) g`],
  ['bytea', `select decode(md5(g::text), 'hex') from generate_series(1, 300) g union select ''`],
  [
    'char(6)',
    `select left(md5(g::text), 1 + g % 6) || g % 10 from generate_series(1, 3) g union select lpad(g::text, 3) from generate_series(1, 300) g`,
  ],
  ['"char"', `select chr(g)::"char" from generate_series(1, 126) g`],
  ['cidr', `select ('10.' || g % 200 || '.' || g || '.0/24')::cidr from generate_series(1, 255) g`],
  ['mood', `select unnest(enum_range(null::mood))`],
  ['pair', `select row(g, md5(g::text))::pair from generate_series(1, 300) g`],
  ['int[]', `select array[g % 7, null, g] from generate_series(1, 300) g`],
  ['int4range', `select int4range(g, g + 5) from generate_series(1, 300) g union select 'empty'`],
  ['uuid', `select md5(g::text)::uuid from generate_series(1, 300) g`],
  ['even', `select 2 * g from generate_series(1, 300) g`],
  ['bit varying', `select g::bit(12)::bit varying from generate_series(1, 300) g union select ''`],
  ['jsonb', `select to_jsonb(g) from generate_series(1, 300) g union select '{"a": [1]}'`],
];

const TYPES = /* sql */ `create type pair as (a int, b text); create domain even as int check (value % 2 = 0);
  do $$ begin execute (select 'create type mood as enum (' || string_agg(quote_literal(md5(g::text)), ',') || ')' from generate_series(1, 300) g); end $$;`;

test('every type of key is copied in ranges, each row once, and goes on in its middle', async () => {
  const tables = KEYS.map(([type, values], i) => {
    const fill = /* sql */ `insert into t${i} select k, repeat('v', 600) from (${values}) v (k)`;
    return /* sql */ `create table t${i} (k ${type} primary key, v text not null); alter table t${i} alter v set storage external; ${fill};`;
  });
  const composite = /* sql */ `create table many (a text, b int, c float8, v text, primary key (b, a, c));
    insert into many select chr(65 + g % 5) || case when g % 9 = 0 then g::text else '' end, g % 3, case when g % 9 = 0 then 'NaN'::float8 else g end, repeat('m', 300) from generate_series(1, 900) g;
    create table falling (k int not null, v text); create unique index falling_k on falling (k desc);
    alter table falling alter k set not null, replica identity using index falling_k;
    insert into falling select g, repeat('f', 300) from generate_series(1, 500) g; analyze;`;
  await using world = await pair('keys', `${TYPES} ${tables.join(' ')} ${composite}`);
  const { source, replication } = world;
  const names = [...KEYS.map((_, i) => `t${i}`), 'many', 'falling'];
  replication.startSink();
  for (let kill = 1; kill <= 3; kill++) {
    const { changes } = replication.sourceProgress;
    const running = replication.startSource();
    await eventually(() => replication.sourceProgress.changes > changes + 900, 'some of it');
    await running.stop();
    expect(running.failure).toBeUndefined();
    // Rows change their keys, and what is stored aside is not sent.
    for (const [i, [type]] of KEYS.entries()) {
      if (['int[]', 'pair', 'uuid', 'numeric', 'text'].includes(type)) await source.query(moved(i, type, kill));
    }
  }
  const running = replication.startSource();
  await replication.settled();
  await replication.expectEqual(...names);
  expect(running.failure).toBeUndefined();
});

function moved(i: number, type: string, kill: number): string {
  const to: Record<string, string> = {
    'int[]': `k || ${1000 + kill}`,
    pair: `row((k).a + 10000, 'moved')::pair`,
    uuid: `md5(k::text || '${kill}')::uuid`,
    numeric: `k + 100000`,
    text: `k || 'moved ${kill}'`,
  };
  const finite = type === 'numeric' ? `and abs(k) < 'Infinity'` : '';
  return /* sql */ `update t${i} set k = ${to[type]} where ctid in (select ctid from t${i} where true ${finite} order by k limit 40 offset ${kill * 50})`;
}
