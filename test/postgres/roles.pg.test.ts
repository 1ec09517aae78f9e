import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeError } from '../../src/errors.ts';
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

test.each(KINDS)('the roles of the page are enough: %s', async (heading, roleName, optionsOf) => {
  await using source = await freshDatabase('roles');
  await using target = await freshDatabase('roles_replica');
  const names = { suffix: uniqueName('r'), source, target };
  const name = (role: string): string => named(role, names);
  const [role, sink, owner] = [name(roleName), name('rowcast_sink'), name('shop_owner')];
  await source.query(`create role ${owner}; grant usage, create on schema public to ${owner}; set role ${owner};
    create table orders (id int primary key, state text);
    create table "odd ""name"" ; drop table orders; --" (id int primary key, "a""b' c" text);
    insert into orders select i, 'new' from generate_series(1, 99) i;
    insert into "odd ""name"" ; drop table orders; --" values (0, 'first'); reset role`);
  try {
    await source.query(named(statementsOf(heading), names));
    await target.query(named(statementsOf('Sink'), names));
    for (const each of [role, sink]) await source.query(`alter role ${each} password 'secret'`);
    const as = ({ settings }: Database, user: string): ConnectionSettings => ({
      ...settings,
      user,
      password: 'secret',
    });
    const connection = as(source, role);
    if (heading === 'Trigger source') await source.query(await printedFor(connection));
    await expect(writes(source, role)).rejects.toThrow('permission denied');
    await using replication = await Replication.open({
      source: connection,
      target: as(target, sink),
      ...optionsOf(connection),
    });
    replication.startSource();
    replication.startSink();
    await equal(replication);
    await source.query(`set role ${owner}; update orders set state = 'paid' where id < 10; delete from orders where id = 77;
      insert into "odd ""name"" ; drop table orders; --" values (1, 'x'); reset role`);
    await equal(replication);
    expect(replication.warnings.filter((warning) => /permission|right|session_replication_role/.test(warning))).toEqual(
      [],
    );
    await source.query(`drop publication if exists rowcast_shop`);
  } finally {
    for (const database of [source, target]) {
      for (const each of [role, sink, owner]) await database.query(dropOf(each));
    }
    for (const each of [role, sink, owner]) await source.query(`drop role if exists ${each}`);
  }
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
