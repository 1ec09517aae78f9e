import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { ConnectionSettings } from '../src/postgres/connection-settings.ts';
import { compareTable } from '../src/verify/compare.ts';
import { connectTo, type Servers } from './servers.ts';

/** The tables that runs move, and what they have before. */
export interface Subject {
  /** Its database on the source. */
  readonly source: ConnectionSettings;
  /** Gets the last row. */
  readonly table: string;
  /** All of them. */
  readonly tables: readonly string[];
  /** Of its topics, when it says. */
  readonly partitions?: number | undefined;
  /** Of Rowcast's records, when it says. */
  readonly compression?: string | undefined;
  /** Makes the tables as they are before anything is measured. */
  readonly create: string;
}

/**
 * A way of its own for one contestant: its own slot, topics and replica, so that it finds the whole backlog and touches nobody else's.
 */
export interface Lane extends Subject, AsyncDisposable {
  /** Names its slot, its publication, its topics and its replica. */
  readonly name: string;
  readonly replica: ConnectionSettings;
  /** For what the contestant keeps. */
  readonly directory: string;
  readonly sourceClient: pg.Client;
  readonly replicaClient: pg.Client;
}

/** Makes the replica's database, empty. */
export async function openLane(servers: Servers, subject: Subject, name: string, directory: string): Promise<Lane> {
  const own = join(directory, name);
  await mkdir(own, { recursive: true });
  const replica = await servers.replica.createDatabase(name);
  const [sourceClient, replicaClient] = [await connectTo(subject.source), await connectTo(replica)];
  return {
    ...subject,
    name,
    replica,
    directory: own,
    sourceClient,
    replicaClient,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([sourceClient.end(), replicaClient.end()]);
      await servers.sourceClient.query(
        /* sql */ `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active`,
        [name],
      );
      await servers.topics?.delete(`${name}.`);
      await servers.replicaClient.query(/* sql */ `drop database if exists "${name}" with (force)`);
    },
  };
}

/** Compares both sides by content; throws when they differ, because no number of such a run means anything. */
export async function assertEqual({ name, tables, source, replica }: Lane): Promise<true> {
  const [left, right] = await Promise.all([connectTo(source), connectTo(replica)]);
  try {
    for (const table of tables) {
      const { difference } = await compareTable(left, right, { schema: 'public', name: table });
      if (difference === undefined) continue;
      const { what, row, columns } = difference;
      throw new Error(`The replica of ${name} is not equal: ${what} at row ${row} of ${table} ${columns.join(', ')}`);
    }
    return true;
  } finally {
    await Promise.all([left.end(), right.end()]);
  }
}

/** Creates a slot that keeps everything from now on, and the publication that it is read with. */
export async function makeSlot({ name, tables, sourceClient }: Lane): Promise<void> {
  await sourceClient.query(/* sql */ `create publication "${name}" for table ${tables.join(', ')}`);
  await sourceClient.query(/* sql */ `select pg_create_logical_replication_slot('${name}', 'pgoutput')`);
}

/** Where a slot stands, and the walsender that reads it. */
export async function lookAtSlot({
  name,
  sourceClient,
}: Lane): Promise<{ pid: number | null; confirmed: number } | undefined> {
  const { rows } = await sourceClient.query<{ pid: number | null; confirmed: string | null }>(
    /* sql */ `select active_pid as pid, (confirmed_flush_lsn - '0/0')::text as confirmed from pg_replication_slots where slot_name = $1`,
    [name],
  );
  const row = rows[0];
  return row && { pid: row.pid, confirmed: Number(row.confirmed ?? 0) };
}

/** Whether a condition holds on the replica; false while it has no such table. */
export async function holdsOnReplica({ replicaClient, table }: Lane, condition: string): Promise<boolean> {
  const there = await replicaClient.query<{ table: string | null }>(/* sql */ `select to_regclass($1)::text as table`, [
    table,
  ]);
  if (there.rows[0]?.table === null) return false;
  const { rows } = await replicaClient.query<{ holds: boolean }>(/* sql */ `select ${condition} as holds`);
  return rows[0]?.holds === true;
}
