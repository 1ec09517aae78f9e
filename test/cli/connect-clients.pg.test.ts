import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand, type Run } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from './workplace.ts';

/**
 * Where the programs of Connect's clients are: the `bin` of a Python environment with kafka-connect-py, kafkaconnect, confluent-kafka and
 * kafka-connect-api. Without it these tests are left out.
 */
const BIN = process.env.CONNECT_CLIENTS ?? '';
let command: BuiltCommand;
let source: Database;
let replica: Database;
let place: Workplace;
let run: Run;
let url: string;

beforeAll(async () => {
  if (BIN === '') return;
  command = await buildCommand();
  source = await freshDatabase('clients_source');
  replica = await freshDatabase('clients_replica');
  place = await makeWorkplace();
  await source.query(`create table item (id int primary key); insert into item values (1)`);
});
afterAll(async () => {
  if (BIN === '') return;
  run.process.kill('SIGTERM');
  await run.ended;
  for (const each of [command, source, replica, place]) await each[Symbol.asyncDispose]();
});

/** What a program prints, with its exit code. */
async function printed(program: string, ...args: readonly string[]): Promise<string> {
  return await new Promise((resolve) => {
    const env = { ...process.env, PYTHONWARNINGS: 'ignore' };
    execFile(join(BIN, program), args, { env }, (error, out, err) => resolve(`${error?.code ?? 0} ${out}${err}`));
  });
}

const kc = (...args: readonly string[]): Promise<string> => printed('kc', '--url', url, ...args);
const kafkaconnect = (...args: readonly string[]): Promise<string> =>
  printed('kafkaconnect', '--connect', url, ...args);

/** A program of kafka-connect-api; `cluster` is there. */
const api = (...lines: readonly string[]): Promise<string> =>
  printed(
    'python',
    '-c',
    [
      'from kafka_connect_api.kafka_connect_api import Api, Cluster',
      `cluster = Cluster(Api(url="${url}"))`,
      ...lines,
    ].join('\n'),
  );

/** A client that says RUNNING before it is so is asked again. */
async function says(ask: () => Promise<string>, what: RegExp): Promise<void> {
  await expect.poll(ask, { timeout: 60_000, interval: 500 }).toMatch(what);
}

test.skipIf(BIN === '')('a daemon is up', async () => {
  run = place.start(command);
  url = await place.url();
  await says(async () => run.output(), /daemon started/);
});

test.skipIf(BIN === '')('kc creates, shows, changes, pauses, stops, restarts and deletes', async () => {
  const config = { name: 'shop-source', config: sourceConfig(source.settings, 'clients') };
  const file = join(place.directory, 'kc.json');
  await writeFile(file, JSON.stringify(config));
  expect(await kc('info')).toMatch(/^0 [^]*kafka_cluster_id/);
  expect(await kc('create', '--config-file', file)).toMatch(/^0 [^]*"name": "shop-source"/);
  expect(await kc('create', '--config-file', file)).toMatch(/409|already exists/);
  await says(() => kc('status', 'shop-source'), /^0 [^]*RUNNING/);
  expect(await kc('list')).toMatch(/^0 [^]*shop-source/);
  expect(await kc('list', '--expand', 'status')).toMatch(/^0 [^]*RUNNING/);
  expect(await kc('list', '--expand', 'info')).toMatch(/^0 [^]*topic.prefix/);
  expect(await kc('list', '--state', 'RUNNING')).toMatch(/^0 [^]*shop-source/);
  expect(await kc('get', 'shop-source')).toMatch(/^0 [^]*"type": "source"/);
  expect(await kc('config', 'shop-source')).toMatch(/^0 [^]*clients_slot/);
  expect(await kc('list-tasks', 'shop-source')).toMatch(/^0 [^]*task.class/);
  expect(await kc('task-status', 'shop-source', '0')).toMatch(/^0 [^]*RUNNING/);
  expect(await kc('restart-task', 'shop-source', '0')).toMatch(/^0 /);
  await says(() => kc('list-topics', 'shop-source'), /^0 [^]*clients.public.item/);
  expect(await kc('reset-topics', 'shop-source')).toMatch(/^0 /);
  expect(await kc('list-plugins')).toMatch(/^0 [^]*PostgresConnector/);
  const inner = join(place.directory, 'inner.json');
  await writeFile(inner, JSON.stringify({ ...config.config, 'status.update.interval.ms': '5000' }));
  expect(await kc('validate-config', 'PostgresWalSource', '--config-file', inner)).toMatch(/^0 [^]*"error_count": 0/);
  expect(await kc('update', 'shop-source', '--config-file', inner)).toMatch(
    /^0 [^]*"status.update.interval.ms": "5000"/,
  );
  expect(await kc('restart', 'shop-source')).toMatch(/^0 /);
  expect(await kc('restart', 'shop-source', '--include-tasks', '--only-failed')).toMatch(/^0 /);
  expect(await kc('pause', 'shop-source')).toMatch(/^0 /);
  await says(() => kc('status', 'shop-source'), /PAUSED/);
  expect(await kc('resume', '--all')).toMatch(/^0 /);
  await says(() => kc('status', 'shop-source'), /RUNNING/);
  expect(await kc('delete', 'shop-source')).toMatch(/^0 /);
  expect(await kc('get', 'shop-source')).toMatch(/not found/i);
  expect(await readdir(place.connectors)).toEqual([]);
});

test.skipIf(BIN === '')('kafkaconnect uploads, validates, shows, pauses and deletes', async () => {
  const file = join(place.directory, 'upload.json');
  await writeFile(file, JSON.stringify(sinkConfig(replica.settings, 'clients')));
  expect(await kafkaconnect('upload', '--name', 'shop-sink', '--dry-run', file)).toMatch(/^0 [^]*"error_count": 0/);
  expect(await kafkaconnect('upload', '--name', 'shop-sink', file)).toMatch(/^0 [^]*"name": "shop-sink"/);
  expect(await kafkaconnect('list')).toMatch(/^0 [^]*shop-sink/);
  expect(await kafkaconnect('info', 'shop-sink')).toMatch(/^0 [^]*"type": "sink"/);
  await says(() => kafkaconnect('status', 'shop-sink'), /^0 [^]*RUNNING/);
  expect(await kafkaconnect('config', 'shop-sink')).toMatch(/^0 [^]*jdbc:postgresql/);
  expect(await kafkaconnect('tasks', 'shop-sink')).toMatch(/^0 [^]*task.class/);
  expect(await kafkaconnect('topics', 'shop-sink')).toMatch(/^0 [^]*clients.public.item/);
  expect(await kafkaconnect('plugins')).toMatch(/^0 [^]*PostgresSink/);
  expect(await kafkaconnect('restart', 'shop-sink')).toMatch(/^0 /);
  expect(await kafkaconnect('pause', 'shop-sink')).toMatch(/^0 /);
  await says(() => kafkaconnect('status', 'shop-sink'), /PAUSED/);
  expect(await kafkaconnect('resume', 'shop-sink')).toMatch(/^0 /);
  expect(await kafkaconnect('delete', 'shop-sink')).toMatch(/^0 /);
  expect(await kafkaconnect('info', 'shop-sink')).toMatch(/not found/);
});

test.skipIf(BIN === '')('kafka-connect-api drives connectors, tasks and loggers', async () => {
  const config = { name: 'shop-source', config: sourceConfig(source.settings, 'clients') };
  await place.write('shop-source.json', config);
  const running = ['c = cluster.connectors["shop-source"]', 'print(c.state, [t.state for t in c.tasks], c.exists())'];
  await says(() => api(...running), /^0 RUNNING \['RUNNING'\] True/);
  expect(await api('print(cluster.version, cluster.kafka_cluster)')).toMatch(/^0 \S+ \S+/);
  expect(await api('print(cluster.loggers)', 'cluster.root_logger = "DEBUG"', 'print(cluster.root_logger)')).toMatch(
    /^0 [^]*INFO[^]*DEBUG/,
  );
  const change = [
    'c = cluster.connectors["shop-source"]',
    'n = dict(c.config); n["status.update.interval.ms"] = "5000"',
  ];
  expect(await api(...change, 'c.config = n', 'print(c.config["status.update.interval.ms"])')).toMatch(/^0 [^]*5000/);
  expect(
    await api('c = cluster.connectors["shop-source"]', 'c.pause(); c.resume(); c.restart(); c.restart_all_tasks()'),
  ).toMatch(/^0 /);
  expect(await api('c = cluster.connectors["shop-source"]', 'c.delete()', 'print(list(cluster.connectors))')).toMatch(
    /^0 \[\]/,
  );
});
