import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { assertEqual, holdsOnReplica, type Lane, lookAtSlot, makeSlot } from '../lane.ts';
import type { Measurement, Phase } from '../measurement.ts';
import { CpuMeter } from '../processes.ts';
import { until } from '../waiting.ts';
import type { Backlog, Contestant, Running, Setting } from './contestant.ts';

/** Postgres's own logical replication: no log in between, nothing translated. */
export class Native implements Contestant {
  readonly name = 'native';
  readonly phases: readonly Phase[] = ['end-to-end', 'snapshot', 'latency-1k', 'latency-5k'];
  readonly #setting: Setting;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  async open(lane: Lane): Promise<void> {
    await makeSlot(lane);
    await lane.replicaClient.query(lane.create);
  }

  async drain(
    phase: 'source' | 'sink' | 'end-to-end' | 'snapshot',
    lane: Lane,
    backlog: Backlog,
  ): Promise<Measurement> {
    const { signal } = this.#setting;
    const isCopy = phase === 'snapshot';
    using meter = new CpuMeter();
    if (isCopy)
      await lane.sourceClient.query(/* sql */ `create publication "${lane.name}" for table ${lane.tables.join(', ')}`);
    if (isCopy) await lane.replicaClient.query(lane.create);
    const begun = performance.now();
    await using subscription = await subscribe(lane, isCopy);
    if (!isCopy) {
      meter.add(
        'walsender',
        await until(async () => (await lookAtSlot(lane))?.pid ?? undefined, { what: 'a walsender', signal }),
        true,
      );
      meter.add('apply', await until(async () => await applyWorker(lane), { what: 'an apply worker', signal }), true);
    }
    const { met } = backlog;
    const isMet = async (): Promise<true | undefined> =>
      (await holdsOnReplica(lane, met?.condition ?? 'true')) || undefined;
    if (met !== undefined && !isCopy) await until(isMet, { what: 'rows in every table', signal });
    const metSeconds = (performance.now() - begun) / 1000;
    const done = async (): Promise<true | undefined> =>
      (isCopy ? await isCopied(lane) : await holdsOnReplica(lane, backlog.whole)) || undefined;
    await until(done, { what: 'the last row', signal });
    const seconds = (performance.now() - begun) / 1000;
    const cpu = meter.seconds();
    await subscription[Symbol.asyncDispose]();
    return {
      rows: backlog.changes,
      seconds,
      ...(met && !isCopy && { met: { rows: met.changes, seconds: metSeconds } }),
      cpu,
      isEqual: await assertEqual(lane),
    };
  }

  /** Its rows keep the source's commit time, so that a column of the replica's own says when they came. */
  async follow(lane: Lane, work: (running: Running) => Promise<void>): Promise<void> {
    await lane.replicaClient.query(
      /* sql */ `alter table ${lane.table} add column arrived timestamptz default clock_timestamp()`,
    );
    const startedAt = performance.now();
    await using _ = await subscribe(lane, false);
    const { signal } = this.#setting;
    const pids = new Map<string, number | undefined>([
      [
        'walsender',
        await until(async () => (await lookAtSlot(lane))?.pid ?? undefined, { what: 'a walsender', signal }),
      ],
      ['apply', await applyWorker(lane)],
    ]);
    await work({ pids, pid: undefined, assertAlive: () => undefined, warmUpSeconds: 5, startedAt });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** With a slot that exists, or with a copy and a slot of its own. */
async function subscribe(lane: Lane, isCopy: boolean): Promise<AsyncDisposable> {
  const { name, source, replicaClient } = lane;
  const slot = isCopy ? '' : `create_slot = false, slot_name = '${name}', copy_data = false`;
  await replicaClient.query(
    /* sql */ `create subscription "${name}" connection '${conninfo(source)}' publication "${name}" ${slot && `with (${slot})`}`,
  );
  let isThere = true;
  const end = async (): Promise<void> => {
    if (!isThere) return;
    isThere = false;
    await unsubscribe(lane);
  };
  return { [Symbol.asyncDispose]: end };
}

/** The slot stays: the lane drops it. */
async function unsubscribe(lane: Lane): Promise<void> {
  const { name, replicaClient } = lane;
  await replicaClient.query(/* sql */ `alter subscription "${name}" disable`);
  await replicaClient.query(/* sql */ `alter subscription "${name}" set (slot_name = none)`);
  await replicaClient.query(/* sql */ `drop subscription "${name}"`);
  const isFree = async (): Promise<true | undefined> => (await lookAtSlot(lane))?.pid === null || undefined;
  const signal = new AbortController().signal; // also when everything else is to stop
  await until(isFree, { what: 'the end of the walsender', timeoutMs: 60_000, signal });
}

async function applyWorker({ name, replicaClient }: Lane): Promise<number | undefined> {
  const { rows } = await replicaClient.query<{ pid: number | null }>(
    /* sql */ `select pid from pg_stat_subscription where subname = $1 and relid is null`,
    [name],
  );
  return rows[0]?.pid ?? undefined;
}

async function isCopied({ name, replicaClient }: Lane): Promise<boolean> {
  const { rows } = await replicaClient.query<{ done: boolean }>(
    /* sql */ `select count(*) > 0 and bool_and(srsubstate in ('r', 's')) as done
      from pg_subscription_rel join pg_subscription s on s.oid = srsubid where subname = $1`,
    [name],
  );
  return rows[0]?.done === true;
}

function conninfo({ host, port, database, user, password }: ConnectionSettings): string {
  return `host=${host} port=${port} dbname=${database} user=${user} password=${password}`;
}
