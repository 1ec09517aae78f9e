import type { ConnectionSettings } from '../src/postgres/connection-settings.ts';
import { parseLsn } from '../src/postgres/lsn.ts';
import type { Contestant, Running } from './contestants/contestant.ts';
import { holdsOnReplica, type Lane, type Subject } from './lane.ts';
import type { Measurement } from './measurement.ts';
import { CpuMeter, peakBytes } from './processes.ts';
import { connectTo } from './servers.ts';
import { percentile } from './statistics.ts';
import { until } from './waiting.ts';

const TABLE = 'lat';
const WRITERS = 8;

/** One row per transaction, committed to disk, at times that are set beforehand: who is late once does not slow the others down. */
const PACE = /* sql */ `create procedure pace(writer int, per_second int, seconds int, first bigint) language plpgsql as $$
  declare
    step interval := interval '1 s' * ${WRITERS} / per_second;
    due timestamptz := clock_timestamp() + step * writer / ${WRITERS};
    over timestamptz := due + make_interval(secs => seconds);
    early double precision; n bigint := first + writer;
  begin
    while due < over loop
      early := extract(epoch from due - clock_timestamp());
      if early > 0 then perform pg_sleep(early); end if;
      insert into lat values (n, n % 100000, writer, repeat('0123456789', 5), clock_timestamp());
      commit;
      n := n + ${WRITERS};
      due := due + step;
    end loop;
  end $$`;

const CREATE = /* sql */ `create table ${TABLE} (id bigint primary key, a int not null, b int not null, t text not null, ts timestamptz not null)`;

/** Makes the table and its procedure in a database of the source. */
export async function makeLatencySubject(source: ConnectionSettings): Promise<Subject> {
  const client = await connectTo(source);
  try {
    await client.query(`${CREATE}; ${PACE}`);
    return { source, table: TABLE, tables: [TABLE], create: CREATE };
  } finally {
    await client.end();
  }
}

/** Commits at `perSecond` for some time, and compares the times of both commits, row by row; the warm-up is left out. */
export async function measureLatency(
  contestant: Contestant,
  lane: Lane,
  perSecond: number,
  seconds: number,
  signal: AbortSignal,
): Promise<Measurement> {
  let measurement: Measurement | undefined;
  await contestant.follow(lane, async (running) => {
    await firstRow(lane, running, signal);
    await write(lane, perSecond, running.warmUpSeconds, 1_000_000_000);
    using meter = new CpuMeter();
    for (const [name, pid] of running.pids) meter.add(name, pid);
    await write(lane, perSecond, seconds, 2_000_000_000);
    const cpu = meter.seconds();
    await arrived(lane, running, signal);
    const latency = await latencies(lane);
    measurement = {
      latency,
      seconds,
      cpu,
      ...(running.pid !== undefined && { peakBytes: peakBytes(running.pid) ?? 0 }),
    };
  });
  return measurement as Measurement;
}

/** From the start of the process to the first row on the replica, of a contestant that has run before. */
export async function measureStart(contestant: Contestant, lane: Lane, signal: AbortSignal): Promise<Measurement> {
  await lane.sourceClient.query(
    /* sql */ `insert into ${TABLE} values (1, 0, 0, '', clock_timestamp()) on conflict (id) do nothing`,
  );
  let seconds = 0;
  let cpu: Record<string, number> = {};
  await contestant.follow(lane, async ({ startedAt, assertAlive, pids, pid }) => {
    using meter = new CpuMeter();
    for (const [name, each] of pids) meter.add(name, each, each === pid);
    const there = async (): Promise<true | undefined> =>
      (await holdsOnReplica(lane, `exists (select from ${TABLE} where id = 1)`)) || undefined;
    await until(there, { what: 'the first row', assertAlive, signal });
    seconds = (performance.now() - startedAt) / 1000;
    cpu = meter.seconds();
  });
  return { rows: 1, seconds, cpu };
}

/** Waits until the contestant follows, by a row of its own. */
async function firstRow(lane: Lane, running: Running, signal: AbortSignal): Promise<void> {
  await lane.sourceClient.query(
    /* sql */ `insert into ${TABLE} values (0, 0, 0, '', clock_timestamp()) on conflict (id) do nothing`,
  );
  const there = async (): Promise<true | undefined> =>
    (await holdsOnReplica(lane, `exists (select from ${TABLE} where id = 0)`)) || undefined;
  await until(there, { what: 'the first row', timeoutMs: 120_000, assertAlive: running.assertAlive, signal });
}

async function write({ source }: Lane, perSecond: number, seconds: number, first: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: WRITERS }, async () => await connectTo(source)));
  try {
    await Promise.all(
      clients.map((client, i) => client.query(/* sql */ `call pace(${i}, ${perSecond}, ${seconds}, ${first})`)),
    );
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** All rows are there. */
async function arrived(lane: Lane, running: Running, signal: AbortSignal): Promise<void> {
  const { rows } = await lane.sourceClient.query<{ count: string }>(
    /* sql */ `select count(*) from ${TABLE} where id >= 2000000000`,
  );
  const all = async (): Promise<true | undefined> =>
    (await holdsOnReplica(lane, `(select count(*) from ${TABLE} where id >= 2000000000) >= ${rows[0]?.count}`)) ||
    undefined;
  await until(all, {
    what: 'the last row',
    everyMs: 200,
    timeoutMs: 120_000,
    assertAlive: running.assertAlive,
    signal,
  });
}

async function latencies({ sourceClient, replicaClient }: Lane): Promise<NonNullable<Measurement['latency']>> {
  const columns = await replicaClient.query(
    /* sql */ `select from pg_attribute where attrelid = '${TABLE}'::regclass and attname = 'arrived'`,
  );
  const stamp = 'pg_xact_commit_timestamp(xmin)';
  const sql = (at: string): string =>
    /* sql */ `select id::text, extract(epoch from ${at})::text as at from ${TABLE} where id >= 2000000000`;
  const [committed, visible] = await Promise.all([
    sourceClient.query<{ id: string; at: string }>(sql(stamp)),
    replicaClient.query<{ id: string; at: string }>(sql(columns.rowCount === 0 ? stamp : 'arrived')),
  ]);
  const begun = new Map(committed.rows.map(({ id, at }) => [id, Number(at)]));
  const sorted = visible.rows
    .map(({ id, at }) => (Number(at) - (begun.get(id) ?? Number.NaN)) * 1000)
    .toSorted((a, b) => a - b);
  return {
    transactions: sorted.length,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
    max: sorted.at(-1) ?? Number.NaN,
  };
}

/** Where the WAL ends now, in bytes. */
export async function walEnd({ sourceClient }: Pick<Lane, 'sourceClient'>): Promise<number> {
  const { rows } = await sourceClient.query<{ lsn: string }>(
    /* sql */ `select pg_current_wal_insert_lsn()::text as lsn`,
  );
  return parseLsn(rows[0]?.lsn ?? '');
}
