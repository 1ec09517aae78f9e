import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/servers/free-port.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { CheckpointCounter, type CountingCheckpoint } from '../../src/log/protocol/counter.ts';
import { decodeLedgerRecord } from '../../src/log/protocol/records.ts';
import { checkpointsTopic, dataTopic } from '../../src/log/protocol/topics.ts';
import { RecordReader } from '../../src/log/record-reader.ts';
import { connect } from '../../src/postgres/connect.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { walProfile } from '../../src/torture/profiles/wal.ts';
import { PREFIX, type Servers, startServers, writeConnectors } from '../../src/torture/servers.ts';
import { Service } from '../../src/torture/service.ts';

export interface SnapshotKillOptions {
  readonly rows: number;
  readonly kills: number;
  readonly threads: number;
  /** The service's compiled main.js. */
  readonly main: string;
  readonly directory: string;
  readonly print: (line: string) => void;
}

interface Shown {
  readonly rows: number;
  readonly percent: number;
}

const TABLES = ['big', 'events'];
const EVENTS = 2_000;
/** Rows of the keyed table are never added nor taken away, so that what the copies published can be counted. */
const WRITES = [
  /* sql */ `update big set n = n + 1 where id % 9973 = $1`,
  /* sql */ `update big set id = -id where id % 99991 = $1`,
  /* sql */ `insert into events select 'new' || $1::int, 'event' from generate_series(1, 2)`,
  /* sql */ `delete from events where ctid in (select ctid from events where $1::int >= 0 limit 1)`,
];

/** Copies a large table, kills the service in the middle, again and again, and compares at the end; true when all is as it must be. */
export async function snapshotKill(options: SnapshotKillOptions): Promise<boolean> {
  const { rows, threads, directory, print } = options;
  await using servers = await startServers(0, undefined);
  const filledAt = performance.now();
  await fill(servers, rows);
  print(`${rows} rows written in ${seconds(filledAt)} s`);
  const port = await freePort();
  await using service = await makeService(options, servers, port);
  const writing = startWriting(servers);
  const startedAt = performance.now();
  for (let kill = 1; kill <= options.kills; kill++) await killAt((80 * kill) / options.kills, service, port, print);
  service.start();
  const goneOnAt = await firstShown(port);
  print(goneOnAt === undefined ? 'all was copied before the last kill' : `goes on at ${goneOnAt.rows} rows`);
  await until(async () => (await statusOf(port, 'torture-source'))?.state === 'streaming', service);
  print(`copied in ${seconds(startedAt)} s`);
  const written = await writing.stop();
  await caughtUp(servers, service, port);
  const differences = await compare(servers);
  service.running?.kill('SIGTERM');
  await service.running?.exited;
  const { begun, published } = await countCopies(join(directory, 'state', 'log'));
  const again = published - rows - EVENTS;
  print(`${written} statements meanwhile; ${begun} copy begun, ${options.kills} kills, ${threads} readers`);
  print(
    `rows read again: ${again} (${((100 * again) / rows).toFixed(1)} %), per kill and reader ${Math.round(again / Math.max(1, options.kills * threads))}`,
  );
  for (const each of differences) print(each);
  const isRight = differences.length === 0 && begun === 1;
  print(isRight ? 'replica equals source' : 'FAILED');
  return isRight;
}

async function fill({ source }: Servers, rows: number): Promise<void> {
  const client = await connect(source, 'snapshot kill');
  try {
    await client.query(/* sql */ `create table public.big (id bigint primary key, n int not null, v text not null)`);
    await client.query(
      /* sql */ `insert into public.big select g, 0, md5(g::text) || md5((-g)::text) from generate_series(1, $1::bigint) g`,
      [rows],
    );
    await client.query(/* sql */ `create table public.events (kind text, v text)`);
    await client.query(/* sql */ `alter table public.events replica identity full`);
    await client.query(/* sql */ `insert into public.events select 'old', 'event' from generate_series(1, $1::int)`, [
      EVENTS,
    ]);
    await client.query(/* sql */ `analyze`);
  } finally {
    await client.end();
  }
}

async function makeService(
  { main, directory, threads }: SnapshotKillOptions,
  servers: Servers,
  port: number,
): Promise<Service> {
  const connectors = join(directory, 'connectors');
  await mkdir(connectors, { recursive: true });
  const own = {
    'snapshot.chunk.bytes': '16777216',
    'snapshot.max.threads': String(threads),
    'max.batch.bytes': '1048576',
  };
  const env = await writeConnectors(connectors, servers, { ...walProfile.settings, ...own });
  const listener = ['--listeners', `http://127.0.0.1:${port}`];
  return new Service({
    main,
    args: ['start', '--connectors', connectors, '--state', join(directory, 'state'), ...listener],
    env: { ...process.env, ...env },
    logFile: join(directory, 'service.txt'),
  });
}

async function killAt(percent: number, service: Service, port: number, print: (line: string) => void): Promise<void> {
  const run = service.start();
  const shown = await firstShown(port);
  if (shown === undefined) throw new Error('The copy was over before it could be killed: take more rows (--rows)');
  print(`goes on at ${shown.rows} rows`);
  let last: Shown | undefined;
  await until(async () => {
    last = (await statusOf(port, 'torture-source'))?.snapshot ?? last;
    return (last?.percent ?? 0) >= percent;
  }, service);
  run.kill('SIGKILL');
  await run.exited;
  print(`killed at ${last?.rows} rows (${last?.percent} %)`);
}

/** Where the copy goes on; undefined when there is nothing left of it. */
async function firstShown(port: number): Promise<Shown | undefined> {
  let shown: Shown | undefined;
  await until(async () => {
    const status = await statusOf(port, 'torture-source');
    shown = status?.snapshot ?? undefined;
    return shown !== undefined || status?.state === 'streaming';
  });
  return shown;
}

interface Status {
  readonly state: string;
  readonly position: string | null;
  readonly consistent?: boolean;
  readonly snapshot?: Shown | null;
}

/** What `/connectors/{name}/status` says of us; undefined while nobody answers. */
async function statusOf(port: number, name: string): Promise<Status | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/connectors/${name}/status`);
    return answer.ok ? ((await answer.json()) as { rowcast: Status }).rowcast : undefined;
  } catch {
    return undefined; // it is starting, or was killed
  }
}

async function until(condition: () => Promise<boolean>, service?: Service): Promise<void> {
  while (!(await condition())) {
    const { running } = service ?? {};
    if (service !== undefined && (running === undefined || running.gaveUp !== undefined))
      throw new Error(`The service gave up: ${running?.gaveUp ?? 'it has ended'}`);
    await sleep(50);
  }
}

/** The replica has everything that is committed now. */
async function caughtUp({ source }: Servers, service: Service, port: number): Promise<void> {
  const client = await connect(source, 'snapshot kill');
  const { rows } = await client.query<{ goal: string }>(
    /* sql */ `select lpad(to_hex((pg_current_wal_lsn() - '0/0')::bigint), 16, '0') as goal`,
  );
  await client.end();
  const goal = (rows[0]?.goal ?? '').toUpperCase();
  await until(async () => {
    const status = await statusOf(port, 'torture-replica');
    return status?.consistent === true && (status.position ?? '') >= goal;
  }, service);
}

async function compare({ source, replica }: Servers): Promise<string[]> {
  const [left, right] = await Promise.all([connect(source, 'snapshot kill'), connect(replica, 'snapshot kill')]);
  try {
    const differences: string[] = [];
    for (const name of TABLES) {
      const { difference } = await compareTable(left, right, { schema: 'public', name });
      if (difference)
        differences.push(`${name}: ${difference.what} at row ${difference.row} (${difference.columns.join(', ')})`);
    }
    return differences;
  } finally {
    await Promise.all([left.end(), right.end()]);
  }
}

/** Copies that were begun, and rows that they published: what stands in spans while the position does. */
async function countCopies(directory: string): Promise<{ begun: number; published: number }> {
  await using log = await openEmbeddedLog(directory);
  const topic = checkpointsTopic(PREFIX);
  const data = TABLES.map((name) => dataTopic(PREFIX, 'public', name));
  const { start, end } = await log.bounds(topic, 0, new AbortController().signal);
  const counter = new CheckpointCounter();
  const points = new Set<string>();
  let [published, position, wasConsistent] = [0, '', false];
  const visit = (checkpoint: CountingCheckpoint): void => {
    if (checkpoint.number === 0) position = checkpoint.position;
    if (wasConsistent || checkpoint.position !== position) return;
    points.add(checkpoint.position);
    wasConsistent = checkpoint.consistent;
    for (const { topic: name, count } of checkpoint.spans) if (data.includes(name)) published += count;
  };
  for (let offset = start; offset < end; ) {
    const [fetched] = await log.read([{ topic, partition: 0, offset }], 8 << 20, 0, new AbortController().signal);
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), topic);
      const counts = record && counter.feed(reader.offset, record);
      if (counts) visit(counts);
    }
  }
  return { begun: points.size, published };
}

function startWriting({ source }: Servers): { stop(): Promise<number> } {
  let isOver = false;
  let written = 0;
  const writing = (async () => {
    const client = await connect(source, 'snapshot kill', { search_path: '' });
    await client.query(/* sql */ `set search_path = public`);
    for (; !isOver; written++) {
      await client.query(WRITES[written % WRITES.length] as string, [written % 997]);
      await sleep(20);
    }
    await client.end();
  })();
  return {
    stop: async () => {
      isOver = true;
      await writing;
      return written;
    },
  };
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
