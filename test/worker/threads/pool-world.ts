import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { expect, onTestFinished } from 'vitest';
import { type ConnectorFile } from '../../../src/connector/load-file.ts';
import { parseConnector } from '../../support/connector.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Logger } from '../../../src/observe/logger.ts';
import { serialLog } from '../../../src/worker/serial-log.ts';
import type { RunningTask } from '../../../src/worker/task-pool.ts';
import { openTaskPool } from '../../../src/worker/threads/pool.ts';
import { workerHost } from '../../../src/worker/threads/worker-host.ts';
import type { WorkerConfig } from '../../../src/worker/worker-config.ts';
import { newDirectory } from '../../log/embedded/directory.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { uniqueName } from '../../support/kafka.ts';
import type { BundledThread } from './bundled-thread.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export interface WorldOptions {
  /** Where tasks run; undefined: in this thread. */
  readonly thread?: BundledThread;
  /** Kafka's brokers; undefined: an embedded log. */
  readonly bootstrap?: string;
}

/** A source and a replica, and a pool that can keep them equal. */
export interface World {
  readonly source: Database;
  readonly replica: Database;
  readonly startSource: () => RunningTask;
  readonly startSink: () => RunningTask;
  readonly killThreads: () => void;
}

/** A table with rows, one without key, and a pool with two threads. */
export async function openWorld({ thread, bootstrap }: WorldOptions): Promise<World> {
  const [source, replica] = [await freshDatabase('pool_source'), await freshDatabase('pool_replica')];
  await source.query(/* sql */ `create table item (id int primary key, v text);
    create table tally (n int); alter table tally replica identity full;
    insert into item select i, 'copied' from generate_series(1, 10) i`);
  const log = bootstrap === undefined ? await openEmbeddedLog(await newDirectory()) : undefined;
  const channel = `test-${randomUUID()}`;
  const kafka = bootstrap === undefined ? undefined : kafkaAt(bootstrap);
  const threads = thread === undefined ? 0 : 2;
  const pool = await openTaskPool({
    config: {
      kafka,
      registry: undefined,
      compression: 'none',
      threads,
      shutdownTimeoutMs: 20_000,
      stallTimeoutMs: 60_000,
    },
    daemon: 'daemon',
    log: log && serialLog(log),
    logger: silent,
    ...(thread ? { openHost: workerHost({ entry: thread.url, workerData: channel }) } : {}),
  });
  const kill = new BroadcastChannel(channel);
  onTestFinished(async () => {
    kill.close();
    await pool[Symbol.asyncDispose]();
    await log?.[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
    await replica[Symbol.asyncDispose]();
  });
  const prefix = uniqueName('shop');
  const start = (connector: ConnectorFile): RunningTask => pool.start(connector, { takeOver: false });
  return {
    source,
    replica,
    startSource: () => start(sourceFile(source, prefix)),
    startSink: () => start(sinkFile(replica, prefix)),
    killThreads: () => kill.postMessage('die'),
  };
}

function kafkaAt(bootstrap: string): NonNullable<WorkerConfig['kafka']> {
  return {
    bootstrapServers: [bootstrap],
    clientId: 'test',
    tls: undefined,
    sasl: undefined,
    requestTimeoutMs: 30_000,
  };
}

function sourceFile({ settings: { host, port, user, password, database } }: Database, prefix: string): ConnectorFile {
  const config = {
    'connector.class': 'PostgresWalSource',
    'database.hostname': host,
    'database.port': port,
    'database.user': user,
    'database.password': password ?? '',
    'database.dbname': database,
    'topic.prefix': prefix,
    'slot.name': `slot_${database}`,
    'publication.name': `pub_${database}`,
    'table.include.list': 'public\\..*',
  };
  return parseConnector('source.json', JSON.stringify({ name: 'source', config }), {});
}

function sinkFile({ settings: { host, port, user, password, database } }: Database, prefix: string): ConnectorFile {
  const config = {
    'connector.class': 'PostgresSink',
    'connection.url': `jdbc:postgresql://${host}:${port}/${database}`,
    'connection.username': user,
    'connection.password': password ?? '',
    'topic.prefix': prefix,
  };
  return parseConnector('sink.json', JSON.stringify({ name: 'sink', config }), {});
}

/** All rows of both tables; a row of the one without key that was applied twice is there twice. */
async function rowsOf(database: Database): Promise<unknown> {
  const [found] = await database.query<{ there: boolean }>(`select to_regclass('public.tally') is not null as there`);
  if (!found?.there) return undefined;
  return await database.query(/* sql */ `select id, v from item union all select n, 'tally' from tally order by 1, 2`);
}

/** The replica comes to have the same rows as the source. */
export async function expectFollowed({ source, replica }: World): Promise<void> {
  await expect.poll(() => rowsOf(replica), { timeout: 60_000 }).toEqual(await rowsOf(source));
}

/** Writes on and kills both threads in the middle, three times; a transaction that was applied twice would show. */
export async function surviveDeaths(world: World): Promise<void> {
  const { source, startSource, startSink, killThreads } = world;
  const tasks = [startSource(), startSink()];
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < 30; i++) {
      await source.query(/* sql */ `insert into tally values (${round * 100 + i});
        update item set v = v || '.' where id = ${1 + (i % 10)}`);
      if (i === 15) killThreads();
    }
    await expectFollowed(world);
  }
  await expect
    .poll(() => tasks.map((task) => task.status().state), { timeout: 10_000 })
    .toEqual(['streaming', 'streaming']);
}
