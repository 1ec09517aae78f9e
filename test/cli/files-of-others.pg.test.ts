import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareTable } from '../../src/verify/compare.ts';
import { connect } from '../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace } from './workplace.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

/** As Debezium's documentation of its Postgres connector has it; only the server's address, its user and its database are the test's. */
function debeziumSource({ host, port, user, password = '', database }: ConnectionSettings): Record<string, string> {
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'database.hostname': host,
    'database.port': String(port),
    'database.user': user,
    'database.password': password,
    'database.dbname': database,
    'topic.prefix': 'fulfillment',
    'table.include.list': 'public.inventory',
  };
}

/** As Debezium's documentation of its JDBC sink has it; the topic is the one that the source above writes. */
function debeziumSink({ host, port, user, password = '', database }: ConnectionSettings, topics: string) {
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': '1',
    'connection.url': `jdbc:postgresql://${host}:${port}/${database}`,
    'connection.username': user,
    'connection.password': password,
    'insert.mode': 'upsert',
    'delete.enabled': 'true',
    'primary.key.mode': 'record_key',
    'schema.evolution': 'basic',
    'use.time.zone': 'UTC',
    topics,
  };
}

/** As Confluent's documentation of its JDBC source has it for a Postgres table with an id that grows. */
function confluentSource({ host, port, user, password = '', database }: ConnectionSettings): Record<string, string> {
  return {
    'connector.class': 'io.confluent.connect.jdbc.JdbcSourceConnector',
    'tasks.max': '1',
    'connection.url': `jdbc:postgresql://${host}:${port}/${database}`,
    'connection.user': user,
    'connection.password': password,
    mode: 'incrementing',
    'incrementing.column.name': 'id',
    'table.whitelist': 'public.inventory',
    'topic.prefix': 'test-postgres-jdbc-',
  };
}

async function isEqual(source: Database, replica: Database): Promise<boolean> {
  const clients = await Promise.all([source, replica].map(({ settings }) => connect(settings, 'rowcast test')));
  try {
    const [mine, theirs] = clients as [(typeof clients)[0], (typeof clients)[0]];
    const compared = await compareTable(mine, theirs, { schema: 'public', name: 'inventory' }).catch(() => undefined);
    return compared !== undefined && compared.difference === undefined;
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

const TABLE = `create table inventory (id serial primary key, sku text, price numeric(10, 2), at timestamptz default now());
  insert into inventory (sku, price) select 'sku ' || i, i from generate_series(1, 100) i`;

test('files of Debezium’s source and JDBC sink start as its documentation shows them, and replicate', async () => {
  await using source = await freshDatabase('debezium_files');
  await using replica = await freshDatabase('debezium_files_replica');
  await source.query(TABLE);
  await using place = await makeWorkplace();
  await place.write('fulfillment.json', { name: 'fulfillment-connector', config: debeziumSource(source.settings) });
  const sink = debeziumSink(replica.settings, 'fulfillment.public.inventory');
  await place.write('jdbc.json', { name: 'jdbc-connector', config: sink });
  const daemon = place.start(command);
  await expect.poll(() => isEqual(source, replica), { timeout: 60_000 }).toBe(true);
  await source.query(`update inventory set price = price + 0.01 where id % 3 = 0;
    delete from inventory where id % 5 = 0; insert into inventory (sku, price) values ('new', 7)`);
  await expect.poll(() => isEqual(source, replica), { timeout: 60_000 }).toBe(true);
  await source.query('truncate inventory');
  await expect.poll(() => isEqual(source, replica), { timeout: 60_000 }).toBe(true);
  expect(daemon.output()).toContain('truncate.enabled is true here');
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
});

test('a file of Confluent’s JDBC source starts as its documentation shows it, and a sink replays it', async () => {
  await using source = await freshDatabase('confluent_file');
  await using replica = await freshDatabase('confluent_file_replica');
  await source.query(TABLE);
  await using place = await makeWorkplace();
  await place.write('jdbc-source.json', { name: 'postgres-jdbc', config: confluentSource(source.settings) });
  const sink = debeziumSink(replica.settings, 'test-postgres-jdbc-.public.inventory');
  await place.write('sink.json', { name: 'sink', config: sink });
  const daemon = place.start(command);
  await expect.poll(() => isEqual(source, replica), { timeout: 60_000 }).toBe(true);
  await source.query(`insert into inventory (sku, price) values ('new', 7)`);
  await expect.poll(() => isEqual(source, replica), { timeout: 60_000 }).toBe(true);
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
});
