import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type pg from 'pg';
import { startPostgres } from '../../src/servers/postgres-server.ts';
import { connect } from '../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { uninstall } from '../../src/source/trigger/set-up.ts';
import type { TriggerSourceSettings } from '../../src/source/trigger/settings.ts';
import { createTriggerSource } from '../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../src/worker/system-clock.ts';

export interface CostOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly clients: number;
  readonly scale: number;
}

const NAME = 'cost';
const KINDS = ['without triggers', 'with triggers', 'with triggers and their source'] as const;
type Kind = (typeof KINDS)[number];

/** Rows of the statement that shows what triggers cost in bulk. */
const BULK_ROWS = 100_000;

/** Measures in turn on one server, and prints transactions per second and their ratio to those without triggers. Returns the exit code. */
export async function triggerCost(options: CostOptions, print: (line: string) => void): Promise<number> {
  await using server = await startPostgres({ settings: { shared_buffers: '256MB' } });
  const connection = await server.createDatabase('cost');
  await pgbench(connection, ['--initialize', '--quiet', '--scale', String(options.scale)]);
  const client = await connect(connection, 'rowcast cost', { search_path: 'public' });
  try {
    await client.query(`create table bulk (id int primary key, v text)`);
    const found = new Map<Kind, { tps: number; bulkMs: number }[]>(KINDS.map((kind) => [kind, []]));
    for (let round = 0; round < options.rounds; round++) {
      for (const kind of KINDS) found.get(kind)?.push(await measure(kind, client, connection, options));
    }
    report(found, options, print);
    return 0;
  } finally {
    await client.end();
  }
}

async function measure(
  kind: Kind,
  client: pg.Client,
  connection: ConnectionSettings,
  options: CostOptions,
): Promise<{ tps: number; bulkMs: number }> {
  for (const statement of ['vacuum', 'checkpoint']) await client.query(statement);
  if (kind !== 'without triggers') await makeTriggers(connection);
  const source = kind === 'with triggers and their source' ? consume(connection) : undefined;
  try {
    const { clients, seconds } = options;
    const output = await pgbench(connection, ['--no-vacuum', '--client', String(clients), '--time', String(seconds)]);
    const tps = Number(/^tps = ([\d.]+)/m.exec(output)?.[1]);
    const begin = performance.now();
    await client.query(`insert into bulk select g, 'some text' from generate_series(1, ${BULK_ROWS}) g`);
    return { tps, bulkMs: performance.now() - begin };
  } finally {
    await source?.stop();
    await uninstall(client, NAME);
    await client.query('truncate bulk');
  }
}

async function makeTriggers(connection: ConnectionSettings): Promise<void> {
  const source = createTriggerSource(settings(connection), systemClock, () => {});
  const held = await source.open({ daemon: NAME, offset: 0, id: NAME }, false, AbortSignal.timeout(60_000));
  await held[Symbol.asyncDispose]();
}

/** Reads the events and forgets them at once, as if a log had them. */
function consume(connection: ConnectionSettings): { stop(): Promise<void> } {
  const stop = new AbortController();
  const run = async (): Promise<void> => {
    const source = createTriggerSource(settings(connection), systemClock, () => {});
    await using held = await source.open({ daemon: NAME, offset: 0, id: NAME }, false, stop.signal);
    const from = await held.create(stop.signal);
    for await (const batch of held.read(from, stop.signal)) {
      if (batch.position !== undefined) await held.acknowledge(batch.position);
    }
  };
  const running = run().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    async stop() {
      stop.abort();
      await running;
    },
  };
}

function settings(connection: ConnectionSettings): TriggerSourceSettings {
  return {
    connection,
    name: NAME,
    triggerName: NAME,
    autocreateMode: 'filtered',
    schemaInclude: ['public'],
    schemaExclude: [],
    tableInclude: [],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    snapshotMode: 'no_data',
    snapshotThreads: 1,
    snapshotChunkBytes: 16 * 1024 * 1024,
    maxBatchBytes: 4 * 1024 * 1024,
    pollIntervalMs: 1_000,
  };
}

async function pgbench(connection: ConnectionSettings, args: readonly string[]): Promise<string> {
  const { host, port, user, password, database } = connection;
  const env = { ...process.env, PGPASSWORD: password ?? '' };
  const to = ['--host', host, '--port', String(port), '--username', user, database];
  const { stdout } = await promisify(execFile)('pgbench', [...args, ...to], { env });
  return stdout;
}

function report(
  found: ReadonlyMap<Kind, readonly { tps: number; bulkMs: number }[]>,
  { clients, seconds, rounds, scale }: CostOptions,
  print: (line: string) => void,
): void {
  print(`pgbench TPC-B, ${clients} clients, scale ${scale}, ${rounds} rounds of ${seconds} s; medians`);
  print('| | transactions/s | ratio | insert of 100,000 rows, ms | ratio |');
  print('|---|---|---|---|---|');
  const base = found.get('without triggers') ?? [];
  const [tps, bulk] = [median(base.map((each) => each.tps)), median(base.map((each) => each.bulkMs))];
  for (const [kind, each] of found) {
    const [mine, rows] = [median(each.map((one) => one.tps)), median(each.map((one) => one.bulkMs))];
    print(
      `| ${kind} | ${mine.toFixed(0)} | ${(mine / tps).toFixed(2)} | ${rows.toFixed(0)} | ${(rows / bulk).toFixed(1)} |`,
    );
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}
