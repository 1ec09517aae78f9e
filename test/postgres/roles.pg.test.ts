import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CopySignal } from '../../src/change/copy-request.ts';
import { describeError, OperatorError } from '../../src/errors.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { compileFilter } from '../../src/source/capture/filter.ts';
import type { Source } from '../../src/source/source.ts';
import { installSql } from '../../src/source/trigger/install-sql.ts';
import { missingTriggersSql } from '../../src/source/trigger/set-up.ts';
import { findTables } from '../../src/source/trigger/tables.ts';
import { createTriggerSource } from '../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../src/worker/system-clock.ts';
import { eventually, Replication, type ReplicationOptions } from '../pipeline/replication.ts';
import { querySource } from '../source/query/polling.ts';
import { triggerSettings } from '../source/trigger/trigger-fixture.ts';
import { type Database, freshDatabase, uniqueName } from '../support/postgres.ts';

/** A name that ends every quotation, if it is not quoted itself. */
const HOSTILE = 'odd "name" ; drop table orders; --';

/** The document that is tested: its SQL blocks by the heading above them. */
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/operating/roles.md'), 'utf8');

function statementsOf(heading: string): string {
  const section = PAGE.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const blocks = [...section.matchAll(/^```sql\n(.*?)^```/gms)].map(([, sql]) => sql);
  expect(blocks, heading).not.toEqual([]);
  return blocks.join('\n');
}

/** Roles are of the whole server, and tests share it: each has names of its own. */
interface Names {
  readonly suffix: string;
  readonly source: Database;
  readonly target: Database;
}

function named(sql: string, { suffix, source, target }: Names): string {
  return sql
    .replaceAll(/\b(rowcast_(?:wal|query|trigger|sink)|shop_owner)\b/g, `$1_${suffix}`)
    .replaceAll(/\bdatabase shop\b/g, `database ${source.settings.database}`)
    .replaceAll(/\bdatabase replica\b/g, `database ${target.settings.database}`);
}

const KINDS: [string, string, (connection: ConnectionSettings) => Partial<ReplicationOptions>][] = [
  [
    'WAL source',
    'rowcast_wal',
    () => ({ wal: { publicationName: 'rowcast_shop', publicationAutocreateMode: 'disabled' } }),
  ],
  [
    'Query source',
    'rowcast_query',
    () => ({ capture: (at, warn): Source => querySource(at, { deletes: 'keys' }, warn) }),
  ],
  [
    'Trigger source',
    'rowcast_trigger',
    () => ({
      capture: (at, warn): Source =>
        createTriggerSource(triggerSettings(at, { autocreateMode: 'disabled' }), systemClock, warn),
    }),
  ],
];

/** A source whose tables belong to somebody else, and what replicates them with the rights of the page's roles. */
async function replicatedAs(
  heading: string,
  roleName: string,
  optionsOf: (connection: ConnectionSettings) => Partial<ReplicationOptions>,
) {
  const source = await freshDatabase('roles');
  const target = await freshDatabase('roles_replica');
  const names = { suffix: uniqueName('r'), source, target };
  const name = (role: string): string => named(role, names);
  const [role, sink, owner] = [name(roleName), name('rowcast_sink'), name('shop_owner')];
  await source.query(`create role ${owner}; grant usage, create on schema public to ${owner}; set role ${owner};
    create table orders (id int primary key, state text);
    create table "odd ""name"" ; drop table orders; --" (id int primary key, "a""b' c" text);
    insert into orders select i, 'new' from generate_series(1, 99) i;
    insert into "odd ""name"" ; drop table orders; --" values (0, 'first'); reset role`);
  await source.query(named(statementsOf(heading), names));
  await target.query(named(statementsOf('Sink'), names));
  for (const each of [role, sink]) await source.query(`alter role ${each} password 'secret'`);
  const as = ({ settings }: Database, user: string): ConnectionSettings => ({ ...settings, user, password: 'secret' });
  const connection = as(source, role);
  if (heading === 'Trigger source') await source.query(await printedFor(connection));
  const replication = await Replication.open({
    source: connection,
    target: as(target, sink),
    resumeMs: 50,
    ...optionsOf(connection),
  });
  return {
    source,
    target,
    role,
    owner,
    replication,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source.query(`drop publication if exists rowcast_shop`);
      for (const database of [source, target]) {
        for (const each of [role, sink, owner]) await database.query(dropOf(each));
      }
      for (const each of [role, sink, owner]) await source.query(`drop role if exists ${each}`);
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

test.each(KINDS)('the roles of the page are enough: %s', async (...kind) => {
  await using world = await replicatedAs(...kind);
  const { source, role, owner, replication } = world;
  await expect(writes(source, role)).rejects.toThrow('permission denied');
  replication.startSource();
  replication.startSink();
  await equal(replication);
  await source.query(`set role ${owner}; update orders set state = 'paid' where id < 10; delete from orders where id = 77;
    insert into "odd ""name"" ; drop table orders; --" values (1, 'x'); reset role`);
  await equal(replication);
  expect(replication.warnings.filter((warning) => /permission|right|session_replication_role/.test(warning))).toEqual(
    [],
  );
  expect(replication.lastFailure).toBeUndefined();
});

/** What is taken away from which kind of source, how it is given back, and what the source says meanwhile. */
const RIGHTS: Record<string, (readonly [taken: string, given: string, said: string])[]> = {
  'WAL source': [
    ['alter role ROLE noreplication', 'alter role ROLE replication', 'permission denied to start WAL sender'],
  ],
  'Query source': [
    ['revoke select on orders from ROLE', 'grant select on orders to ROLE', 'permission denied for table orders'],
  ],
  'Trigger source': [
    [
      'revoke usage on schema rowcast from ROLE',
      'grant usage on schema rowcast to ROLE',
      'permission denied for schema rowcast',
    ],
  ],
};

test.each(KINDS)('goes on when rights are granted again that were revoked while it ran: %s', async (...kind) => {
  await using world = await replicatedAs(...kind);
  const { source, role, replication } = world;
  replication.startSource();
  replication.startSink();
  await equal(replication);
  const cases = [
    ...(RIGHTS[kind[0]] ?? []),
    [
      'revoke connect on database DATABASE from ROLE, public',
      'grant connect on database DATABASE to ROLE',
      'permission denied for database',
    ],
    ['alter role ROLE nologin', 'alter role ROLE login', 'is not permitted to log in'],
  ] as const;
  const run = async (sql: string): Promise<unknown> =>
    await source.query(sql.replaceAll('ROLE', role).replaceAll('DATABASE', source.settings.database));
  for (const [i, [taken, given, said]] of cases.entries()) {
    await run(taken);
    await run(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ROLE'`);
    await run(
      `update orders set state = 'round ${i}'; delete from orders where id = ${i + 1}; insert into orders values (${1000 + i}, 'new')`,
    );
    await eventually(
      () => describeError(replication.lastFailure).includes(said),
      () =>
        `"${said}": ${describeError(replication.lastFailure)}, tried again for ${describeError(replication.lastRetry)}`,
    );
    expect(replication.lastFailure).toBeInstanceOf(OperatorError);
    await run(given);
    await equal(replication);
  }
});

const COPY: CopySignal = {
  kind: 'execute',
  id: 'again',
  tables: [{ schema: 'public', name: 'orders' }],
  isBlocking: false,
};

test('a table that may not be read any more is streamed on, and copied again once it may', async () => {
  await using world = await replicatedAs(...(KINDS[0] as (typeof KINDS)[number]));
  const { source, target, role, replication } = world;
  replication.startSource();
  replication.startSink();
  await equal(replication);
  await target.query(`update orders set state = 'damaged' where id > 50`);
  await source.query(`revoke select on orders from ${role}`);
  await replication.signal(COPY);
  const told = 'Table public.orders cannot be copied while streaming';
  await eventually(() => replication.warnings.some((warning) => warning.startsWith(told)), told);
  await source.query(`update orders set state = 'streamed' where id <= 50`);
  await replication.reached();
  expect(await target.query(`select state, count(*)::int as n from orders group by 1 order by 1`)).toEqual([
    { state: 'damaged', n: 49 },
    { state: 'streamed', n: 50 },
  ]);
  await source.query(`grant select on orders to ${role}`);
  await replication.signal(COPY);
  await equal(replication);
  expect(replication.lastFailure).toBeUndefined();
});

/** Waits until the replica has every row of both tables. */
async function equal(replication: Replication): Promise<void> {
  await eventually(
    async () => (await replication.expectEqual('orders', HOSTILE).catch(() => 0)) === 100,
    () => `the replica to be equal; tried again for: ${describeError(replication.lastRetry)}`,
  );
}

/** What `rowcast check --install-triggers` prints: it looks with the rights of the connector's role. */
async function printedFor(connection: ConnectionSettings): Promise<string> {
  const client = await connect(connection, 'rowcast test');
  try {
    const { wanted } = await findTables(client, 'shop', compileFilter(triggerSettings(connection)));
    return installSql('shop', [connection.user]) + missingTriggersSql('shop', wanted, true);
  } finally {
    await client.end();
  }
}

async function writes(source: Database, role: string): Promise<unknown> {
  try {
    return await source.query(`set role ${role}; insert into orders values (0, 'forged')`);
  } finally {
    await source.query('reset role');
  }
}

function dropOf(role: string): string {
  return `do $$ begin if exists (select from pg_roles where rolname = '${role}') then execute 'drop owned by ${role} cascade'; end if; end $$`;
}
