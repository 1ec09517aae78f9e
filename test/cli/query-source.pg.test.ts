import { afterAll, beforeAll, expect, test } from 'vitest';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/postgres/connect.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { eventually } from '../pipeline/replication.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, type Workplace } from './workplace.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

/** A file of Confluent's JDBC source, as its users have it. */
function jdbcConfig({ settings }: Database, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { host, port, database, user, password = '' } = settings;
  return {
    'connector.class': 'io.confluent.connect.jdbc.JdbcSourceConnector',
    'connection.url': `jdbc:postgresql://${host}:${port}/${database}`,
    'connection.user': user,
    'connection.password': password,
    mode: 'timestamp+incrementing',
    'timestamp.column.name': 'at',
    'incrementing.column.name': 'id',
    'table.whitelist': 'orders',
    'numeric.mapping': 'best_fit',
    'poll.interval.ms': '50',
    'topic.prefix': 'polled',
    'delete.detection': 'keys',
    ...more,
  };
}

async function equal(source: Database, target: Database): Promise<void> {
  const clients = await Promise.all([source, target].map(({ settings }) => connect(settings, 'rowcast test')));
  try {
    const [mine, theirs] = clients as [(typeof clients)[0], (typeof clients)[0]];
    await eventually(async () => {
      const compared = await compareTable(mine, theirs, { schema: 'public', name: 'orders' }).catch(() => undefined);
      return compared !== undefined && compared.difference === undefined;
    }, 'the replica to be equal');
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function run(
  place: Workplace,
  ...args: string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const [name = '', ...more] = args;
  const flags = ['--connectors', place.connectors, '--state', place.state];
  return await command.run([name, ...more, ...flags], { ROWCAST_LISTENERS: 'http://127.0.0.1:0' }).ended;
}

test("a daemon polls with a file of Confluent's JDBC source, survives kills, and copies again when it is reset", async () => {
  await using source = await freshDatabase('polled');
  await using target = await freshDatabase('replica');
  await source.query(/* sql */ `create table orders (id int primary key, v text, at timestamptz not null default clock_timestamp());
    insert into orders select i, 'first' from generate_series(1, 2000) i`);
  await using place = await makeWorkplace();
  await place.write('polled.json', { name: 'polled', config: jdbcConfig(source) });
  await place.write('replica.json', { name: 'replica', config: sinkConfig(target.settings, 'polled') });
  const checked = await run(place, 'check');
  expect(checked.output).toContain('numeric.mapping has no effect');
  expect(checked.code).toBe(0);
  for (let round = 0; round < 4; round++) {
    const daemon = place.start(command);
    await place.url();
    await source.query(
      `insert into orders select i, 'more' from generate_series(${3000 + 100 * round}, ${3050 + 100 * round}) i`,
    );
    await source.query(
      `update orders set v = 'round ${round}' where id % 10 = ${round}; delete from orders where id % 100 = ${round}`,
    );
    if (round % 2 === 0) await equal(source, target);
    daemon.process.kill('SIGKILL');
    await once(daemon.process, 'exit');
  }
  const daemon = place.start(command);
  await place.url();
  await equal(source, target);
  const offsets = await run(place, 'offsets');
  expect(offsets.output).toMatch(/polled \(source\)\n {2}log {5}#\d+ at checkpoint/);
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  await target.query(`delete from orders where id < 500`);
  const reset = await run(place, 'offsets', 'reset', 'polled', '--yes');
  expect(reset.output).toContain('the next start copies every captured table again');
  const again = place.start(command);
  await place.url();
  await equal(source, target);
  again.process.kill('SIGTERM');
  expect((await again.ended).code).toBe(0);
});

const POINTS = [
  'source.claimed',
  'source.snapshot-batch',
  'source.batch-read:2',
  'log.data-stored:3',
  'log.checkpoint-stored:3',
  'source.before-acknowledge:3',
  'source.acknowledged:3',
  'sink.chunk-applied:2',
  'sink.before-commit:2',
  'sink.committed:2',
];

test('nothing is lost or doubled by a kill at any point of a poll', async () => {
  await using source = await freshDatabase('polled');
  await using target = await freshDatabase('replica');
  await source.query(/* sql */ `create table orders (id int primary key, v text, at timestamptz not null default clock_timestamp());
    insert into orders select i, repeat('first', 50) from generate_series(1, 3000) i`);
  await using place = await makeWorkplace();
  const more = { 'max.batch.bytes': '65536', 'poll.interval.ms': '20' };
  await place.write('polled.json', { name: 'polled', config: jdbcConfig(source, more) });
  await place.write('replica.json', { name: 'replica', config: sinkConfig(target.settings, 'polled') });
  let next = 10_000;
  for (const point of POINTS) {
    const daemon = place.start(command, [], { ROWCAST_FAILPOINT: point });
    let isOver = false;
    const over = once(daemon.process, 'exit').then(() => {
      isOver = true;
    });
    for (let i = 0; i < 40 && !isOver; i++) {
      await source.query(`insert into orders select i, repeat('more', 50) from generate_series(${next}, ${next + 400}) i;
        update orders set v = '${point} ${i}' where id % 50 = ${i % 50}; delete from orders where id % 97 = ${i % 97}`);
      next += 500;
      await Promise.race([over, sleep(100)]);
    }
    if (!isOver) daemon.process.kill('SIGKILL'); // a point that only a first copy passes
    await over;
  }
  const daemon = place.start(command);
  await place.url();
  await equal(source, target);
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
});

test('a replica goes on when its WAL source is told to poll instead, and back', async () => {
  await using source = await freshDatabase('polled');
  await using target = await freshDatabase('replica');
  await source.query(/* sql */ `create table orders (id int primary key, v text, at timestamptz not null default clock_timestamp());
    insert into orders select i, 'first' from generate_series(1, 500) i`);
  await using place = await makeWorkplace();
  const { host, port, database, user, password = '' } = source.settings;
  const common = {
    'database.hostname': host,
    'database.port': String(port),
    'database.dbname': database,
    'database.user': user,
    'database.password': password,
    'topic.prefix': 'polled',
  };
  const wal = { 'connector.class': 'PostgresWalSource', 'slot.name': `slot_${database}`, 'publication.name': database };
  await place.write('polled.json', { name: 'polled', config: { ...common, ...wal } });
  await place.write('replica.json', { name: 'replica', config: sinkConfig(target.settings, 'polled') });
  const daemon = place.start(command);
  await place.url();
  await equal(source, target);
  await source.query(`update orders set v = 'streamed' where id < 10`);
  await equal(source, target);
  const polls = { 'connector.class': 'PostgresQuerySource', 'poll.interval.ms': '50' };
  await place.write('polled.json', { name: 'polled', config: { ...common, ...polls } });
  const offsets = async (): Promise<string> => (await run(place, 'offsets')).output;
  await expect.poll(offsets, { timeout: 60_000, interval: 500 }).toMatch(/log {5}#\d+ at checkpoint/);
  await source.query(`insert into orders select i, 'polled' from generate_series(1000, 1100) i`);
  await equal(source, target);
  await source.query(
    `select pg_drop_replication_slot('slot_${database}') from pg_replication_slots where slot_name = 'slot_${database}' and not active`,
  );
  await source.query(`update orders set v = 'polled' where id < 10`);
  await equal(source, target);
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  await place.write('polled.json', { name: 'polled', config: { ...common, ...wal } });
  const refused = place.start(command);
  await expect.poll(() => refused.output(), { timeout: 30_000 }).toContain('a source of another kind has captured');
  refused.process.kill('SIGTERM');
  await refused.ended;
  expect((await run(place, 'offsets', 'reset', 'polled', '--yes')).code).toBe(0);
  await source.query(`delete from orders where id < 20`);
  const again = place.start(command);
  await place.url();
  await equal(source, target);
  await source.query(`update orders set v = 'streamed' where id > 1000`);
  await equal(source, target);
  again.process.kill('SIGTERM');
  expect((await again.ended).code).toBe(0);
});
