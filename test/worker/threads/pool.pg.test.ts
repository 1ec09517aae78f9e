import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ConnectorFile, parseConnector } from '../../../src/connector/load-file.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Logger } from '../../../src/observe/logger.ts';
import { serialLog } from '../../../src/worker/serial-log.ts';
import type { RunningTask } from '../../../src/worker/task-pool.ts';
import type { OpenHost } from '../../../src/worker/threads/host.ts';
import { openTaskPool } from '../../../src/worker/threads/pool.ts';
import { workerHost } from '../../../src/worker/threads/worker-host.ts';
import { newDirectory } from '../../log/embedded/directory.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { type BundledThread, bundleThread } from './bundled-thread.ts';

let thread: BundledThread;
beforeAll(async () => {
  thread = await bundleThread('mortal-entry.ts');
});
afterAll(async () => await thread[Symbol.asyncDispose]());

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

interface World {
  readonly source: Database;
  readonly replica: Database;
  readonly startSource: () => RunningTask;
  readonly startSink: () => RunningTask;
  readonly killThreads: () => void;
}

/** A table with rows, and a pool that can copy it to another database over an embedded log. */
async function open(threads: number): Promise<World> {
  const [source, replica] = [await freshDatabase('pool_source'), await freshDatabase('pool_replica')];
  await source.query(/* sql */ `create table item (id int primary key, v text);
    create table tally (n int); alter table tally replica identity full;
    insert into item select i, 'copied' from generate_series(1, 10) i`);
  const log = await openEmbeddedLog(await newDirectory());
  const channel = `test-${randomUUID()}`;
  const openHost: OpenHost | undefined =
    threads > 0 ? workerHost({ entry: thread.url, workerData: channel }) : undefined;
  const pool = await openTaskPool({
    config: { kafka: undefined, registry: undefined, threads, shutdownTimeoutMs: 20_000, stallTimeoutMs: 60_000 },
    daemon: 'daemon',
    log: serialLog(log),
    logger: silent,
    ...(openHost ? { openHost } : {}),
  });
  const kill = new BroadcastChannel(channel);
  onTestFinished(async () => {
    kill.close();
    await pool[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
    await replica[Symbol.asyncDispose]();
  });
  const start = (connector: ConnectorFile): RunningTask => pool.start(connector, { takeOver: false });
  return {
    source,
    replica,
    startSource: () => start(sourceFile(source)),
    startSink: () => start(sinkFile(replica)),
    killThreads: () => kill.postMessage('die'),
  };
}

function sourceFile({ settings: { host, port, user, password, database } }: Database): ConnectorFile {
  const config = {
    'connector.class': 'PostgresWalSource',
    'database.hostname': host,
    'database.port': port,
    'database.user': user,
    'database.password': password ?? '',
    'database.dbname': database,
    'topic.prefix': 'shop',
    'slot.name': `slot_${database}`,
    'publication.name': `pub_${database}`,
    'table.include.list': 'public\\..*',
  };
  return parseConnector('source.json', JSON.stringify({ name: 'source', config }), {});
}

function sinkFile({ settings: { host, port, user, password, database } }: Database): ConnectorFile {
  const config = {
    'connector.class': 'PostgresSink',
    'connection.url': `jdbc:postgresql://${host}:${port}/${database}`,
    'connection.username': user,
    'connection.password': password ?? '',
    'topic.prefix': 'shop',
  };
  return parseConnector('sink.json', JSON.stringify({ name: 'sink', config }), {});
}

/** All rows of both tables; a row of the one without key that was applied twice is there twice. */
async function rowsOf(database: Database): Promise<unknown> {
  const [found] = await database.query<{ there: boolean }>(`select to_regclass('public.tally') is not null as there`);
  if (!found?.there) return undefined;
  return await database.query(/* sql */ `select id, v from item union all select n, 'tally' from tally order by 1, 2`);
}

async function expectFollowed({ source, replica }: World): Promise<void> {
  await expect.poll(() => rowsOf(replica), { timeout: 60_000 }).toEqual(await rowsOf(source));
}

for (const threads of [0, 2]) {
  describe(`connectors in ${threads} threads`, () => {
    test('replicate, and go on at once when they are stopped and started again', async () => {
      const world = await open(threads);
      const { source, startSource, startSink } = world;
      const sink = startSink();
      let running = startSource();
      for (let round = 1; round <= 3; round++) {
        await source.query(/* sql */ `insert into item values (${round * 100}, 'streamed');
          insert into tally values (${round})`);
        await expectFollowed(world);
        await running.stop();
        expect(running.status().state).toBe('stopped');
        await source.query(/* sql */ `insert into tally values (${round * 1000})`);
        running = startSource();
      }
      await expectFollowed(world);
      await expect
        .poll(() => running.status(), { timeout: 10_000 })
        .toMatchObject({ kind: 'source', state: 'streaming' });
      await expect
        .poll(() => sink.status(), { timeout: 10_000 })
        .toMatchObject({
          kind: 'sink',
          state: 'streaming',
          lagMs: expect.any(Number),
        });
    });
  });
}

test('connectors whose threads die under load lose nothing and repeat nothing', async () => {
  const world = await open(2);
  const { source, startSource, startSink, killThreads } = world;
  const tasks = [startSource(), startSink()];
  await expectFollowed(world);
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < 30; i++) {
      await source.query(
        /* sql */ `insert into tally values (${round * 100 + i}); update item set v = v || '.' where id = ${1 + (i % 10)}`,
      );
      if (i === 15) killThreads();
    }
    await expectFollowed(world);
  }
  await expect
    .poll(() => tasks.map((task) => task.status().state), { timeout: 10_000 })
    .toEqual(['streaming', 'streaming']);
});
