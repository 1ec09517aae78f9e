import type pg from 'pg';
import type { ConnectionSettings } from '../src/postgres/connection-settings.ts';
import type { Backlog } from './contestants/contestant.ts';
import type { Subject } from './lane.ts';
import { walEnd } from './latency.ts';
import { connectTo } from './servers.ts';
import { SENTINEL, type Workload } from './workload.ts';

/** Makes the workload's tables on the source, as they are before the load. */
export async function makeSubject(workload: Workload, rows: number, source: ConnectionSettings): Promise<Subject> {
  const client = await connectTo(source);
  try {
    const { table, tables = [table], partitions, compression, procedures } = workload;
    const create = workload.create(rows);
    await client.query(create);
    await client.query(procedures);
    await client.query(/* sql */ `vacuum analyze`);
    return { source, table, tables, partitions, compression, create };
  } finally {
    await client.end();
  }
}

/** Runs the load, and says what there is to move; `bytes` is the text of the rows. */
export async function load(
  workload: Workload,
  rows: number,
  { source }: Subject,
): Promise<Backlog & { readonly bytes: number }> {
  const calls = workload.load(rows);
  const clients = await Promise.all(calls.map(async () => await connectTo(source)));
  try {
    const client = clients[0] as pg.Client;
    await Promise.all(
      calls.map(async (call, i) => {
        await clients[i]?.query(/* sql */ `set synchronous_commit = off`);
        await clients[i]?.query(call);
      }),
    );
    await client.query(/* sql */ `set synchronous_commit = on`);
    await client.query(workload.sentinel);
    const endLsn = await walEnd({ sourceClient: client });
    await client.query(/* sql */ `checkpoint`);
    await client.query(/* sql */ `vacuum analyze`);
    const width = await client.query<{ bytes: string }>(
      /* sql */ `select avg(octet_length(sample::text)) as bytes from (select * from ${workload.table} order by id limit 10000) sample`,
    );
    const { changes, records } = workload.amounts(rows);
    const whole = `exists (select from ${workload.table} where id = ${SENTINEL})`;
    const bytes = Math.round(changes * Number(width.rows[0]?.bytes ?? 0));
    const { met, tables = [] } = workload;
    return {
      changes,
      records,
      endLsn,
      begun: workload.begun(rows),
      whole,
      bytes,
      ...(met && { met: { condition: met.condition, changes: met.rows * tables.length } }),
    };
  } finally {
    await Promise.all(clients.map((each) => each.end()));
  }
}
