import { expect, test } from 'vitest';
import { connect } from '../../src/postgres/connect.ts';
import { quoteIdentifier } from '../../src/postgres/identifier.ts';
import type { Source } from '../../src/source/source.ts';
import { createTriggerSource } from '../../src/source/trigger/trigger-source.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { systemClock } from '../../src/worker/system-clock.ts';
import { eventually, Replication, type ReplicationOptions } from '../pipeline/replication.ts';
import { querySource } from '../source/query/polling.ts';
import { triggerSettings } from '../source/trigger/trigger-fixture.ts';
import { freshDatabase } from '../support/postgres.ts';

/** Each ends every kind of quotation and goes on with a statement of its own; at most 63 bytes. */
const NAMES = ['schema', 'table', 'column', 'type'].map(
  (kind) => `${kind}"; drop table public.kept; --' $$ \\ %I ; `,
) as [string, string, string, string];
const [SCHEMA, TABLE] = NAMES;
const [schema, table, column, type] = NAMES.map(quoteIdentifier) as [string, string, string, string];

/** Of 63 bytes, as many as a name has; what a slot or a set of triggers may be called leaves no room for any of it. */
const PUBLICATION = `pub"; drop table public.kept; --' $$ %I é 日本`.padEnd(58, '!');
const CONNECTOR = `it's "quoted"; drop table public.kept; -- \\ é 日本 ${'long '.repeat(20)}`;

const KINDS: [string, Partial<ReplicationOptions>][] = [
  ['the WAL', { wal: { publicationName: PUBLICATION, name: CONNECTOR }, sink: { name: CONNECTOR } }],
  ['polls', { capture: (at, warn): Source => querySource(at, { deletes: 'keys' }, warn) }],
  ['triggers', { capture: (at, warn): Source => createTriggerSource(triggerSettings(at), systemClock, warn) }],
];

test.each(KINDS)('names that are statements are names, captured by %s', async (_, options) => {
  await using source = await freshDatabase('names');
  await using target = await freshDatabase('names_replica');
  for (const database of [source, target]) await database.query('create table public.kept (id int primary key)');
  await source.query(`create schema ${schema}; create type ${schema}.${type} as enum (${"'glad', 'x'' y'"});
    create table ${schema}.${table} (${column} int primary key, mood ${schema}.${type}, "plain" text);
    insert into ${schema}.${table} select i, 'glad', 'v' from generate_series(1, 50) i`);
  const clients = [
    await connect(source.settings, 'rowcast test'),
    await connect(target.settings, 'rowcast test'),
  ] as const;
  const equal = async (rows: number): Promise<void> =>
    await eventually(async () => {
      const found = await compareTable(...clients, { schema: SCHEMA, name: TABLE }).catch(() => undefined);
      return found?.difference === undefined && found?.rows === rows;
    }, `the replica to have ${rows} rows`);
  {
    await using replication = await Replication.open({
      source: source.settings,
      target: target.settings,
      ...options,
    });
    const running = [replication.startSource(), replication.startSink()];
    await equal(50);
    for (const each of running) await each.stop();
    replication.startSource(); // finds what carries its name
    replication.startSink();
    await source.query(`update ${schema}.${table} set mood = 'x'' y' where ${column} < 9;
      delete from ${schema}.${table} where ${column} = 20; update ${schema}.${table} set ${column} = 900 where ${column} = 30`);
    await equal(49);
  }
  for (const client of clients) {
    expect((await client.query(`select from pg_class where oid = 'public.kept'::regclass`)).rowCount).toBe(1);
    await client.end();
  }
});
