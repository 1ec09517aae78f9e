import { describe, expect, test } from 'vitest';
import { describeError, PositionLostError, TransientError } from '../../../src/errors.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { connect } from '../../../src/postgres/connect.ts';
import type { PostgresServer } from '../../../src/servers/postgres-server.ts';
import { eventually, type Running } from '../../pipeline/replication.ts';
import { servers } from '../../support/postgres.ts';
import { startStandby } from '../../support/standby.ts';
import { execute, followed } from './followed.ts';

/** Waits until a standby has replayed all that its primary has written. */
async function caughtUp(primary: PostgresServer, standby: PostgresServer): Promise<void> {
  const [end] = await execute(primary.settings(), 'select pg_current_wal_lsn()::text as lsn');
  const sql = /* sql */ `select pg_last_wal_replay_lsn() >= '${String(end?.['lsn'])}'::pg_lsn as "isThere"`;
  await eventually(async () => (await execute(standby.settings(), sql))[0]?.['isThere'] === true, 'the standby');
}

async function promote(server: PostgresServer): Promise<void> {
  expect(await execute(server.settings(), 'select pg_promote() as "isDone"')).toEqual([{ isDone: true }]);
}

async function lost(running: Running): Promise<string> {
  await running.ended;
  expect(running.failure).toBeInstanceOf(PositionLostError);
  return (running.failure as Error).message;
}

/** Lets a server write WAL beyond what another one had written. */
async function fill(settings: ConnectionSettings): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await execute(settings, /* sql */ `select pg_logical_emit_message(true, 'fill', 'x'); select pg_switch_wal()`);
  }
}

const accept = { kind: 'accept', connector: 'shop' } as const;
const fromNow = { ...accept, fromNow: true } as const;
const reset = { kind: 'reset', connector: 'shop' } as const;

describe.each(servers)('on $name', ({ binaries }) => {
  test('a standby without the slot takes over the port: the source waits for its promotion, and then stops', async () => {
    await using pair = await startStandby({ binaries });
    await using world = await followed(pair.primary);
    const { source, replication, on, shows, equals } = world;
    const { start, ask } = on(source);
    const running = start();
    await shows(1);
    await execute(source, /* sql */ `insert into t values (2, 'streamed')`);
    await shows(2);
    await caughtUp(pair.primary, pair.standby);
    await pair.primary.stop('immediate');
    await pair.standby.stop();
    const heir = await pair.takePlace();
    await eventually(() => String(replication.lastRetry).includes('is a standby'), 'the source to meet the standby');
    expect(replication.lastRetry).toBeInstanceOf(TransientError);
    await expect(ask(fromNow)).rejects.toThrow('The server is a standby');
    await promote(heir);

    expect(await lost(running)).toMatch(/^Slot slot_shop is missing: changes since .* may be gone from the WAL$/);
    await expect(ask(accept)).rejects.toThrow('does not exist on this server');
    expect((await ask(fromNow)).lines.join('\n')).toMatch(/timeline 2.*\n.*was made at .*\n.*may be missing/);
    replication.resume(running);
    const again = start();
    await execute(source, /* sql */ `insert into t values (3, 'promoted')`);
    await shows(3);
    expect(await equals(source)).toBe(3); // nobody had written before it was accepted
    await again.stop();
  });
});

test('a standby that lacks what the replica has is not followed, however far it has gone on', async () => {
  await using pair = await startStandby();
  await using world = await followed(pair.primary);
  const { source, ids, on, shows, equals } = world;
  let running = on(source).start();
  await shows(1);
  await caughtUp(pair.primary, pair.standby);
  await pair.standby.stop();
  await execute(source, /* sql */ `insert into t values (2, 'never sent'); select pg_switch_wal()`);
  await execute(source, /* sql */ `insert into t values (3, 'never sent'); update t set v = 'never sent' where id = 1`);
  await shows(3);
  await running.stop();
  await pair.primary.stop('immediate');
  await using heir = await pair.takePlace();
  const database = heir.settings('shop');
  await promote(heir);

  const { start, ask } = on(database);
  running = start();
  expect(await lost(running)).toContain('history branched before');
  for (const request of [fromNow, reset]) await expect(ask(request)).rejects.toThrow("The server's WAL stands at");
  await execute(database, /* sql */ `insert into t values (2, 'anew'), (4, 'anew')`);
  await fill(database);
  running = start();
  expect(await lost(running)).toContain('history branched before');
  await expect(ask(accept)).rejects.toThrow('does not exist on this server');
  expect(await ids()).toEqual([1, 2, 3]); // as it was
  await ask(reset);
  running = start();
  await shows(4);
  expect(await equals(database)).toBe(3);
  await execute(database, /* sql */ `insert into t values (5, 'streamed')`);
  await shows(5);
  expect(await equals(database)).toBe(4);
  await running.stop();
});

test('a slot that is kept in step (Postgres 17 and newer) goes on at the standby once it is promoted, and nothing is missing', async () => {
  await using pair = await startStandby({
    primary: { synchronized_standby_slots: 'standby' },
    standby: { primary_slot_name: 'standby' },
    conninfo: 'dbname=postgres',
  });
  const { primary, standby } = pair;
  await execute(primary.settings(), /* sql */ `select pg_create_physical_replication_slot('standby')`);
  await using world = await followed(primary);
  const { source, replication, on, shows, equals } = world;
  const copying = on(source).start();
  await shows(1);
  await copying.stop();
  await setFailover(source);
  const running = on(source).start();
  await execute(source, /* sql */ `insert into t values (2, 'streamed')`);
  await shows(2);
  await synchronize(standby);
  await running.stop();

  // Pointed at it too early: the slot is there, and not to be used yet.
  const database = standby.settings('shop');
  const early = on(database).start();
  const isRefused = (): boolean => describeError(replication.lastRetry).includes('cannot use replication slot');
  await eventually(isRefused, 'the source to meet the standby');
  await execute(source, /* sql */ `insert into t values (3, 'unread')`);
  await caughtUp(primary, standby);
  await primary.stop('immediate');
  await promote(standby);
  await execute(database, /* sql */ `insert into t values (4, 'promoted')`);
  await shows(4);
  expect(await equals(database)).toBe(4);
  await early.stop();
});

/** Brings the slot to the standby, as its worker for that does every half minute: what begins it has to go on until the primary's slot has moved. */
async function synchronize(standby: PostgresServer): Promise<void> {
  const client = await connect(standby.settings(), 'rowcast test');
  const sql = /* sql */ `select from pg_replication_slots where slot_name = 'slot_shop' and synced and not temporary`;
  try {
    await eventually(async () => {
      await client.query(/* sql */ `select pg_sync_replication_slots()`);
      return (await client.query(sql)).rows.length === 1;
    }, 'the slot at the standby');
  } finally {
    await client.end();
  }
}

/** The slot is to come along; nobody holds it. */
async function setFailover(source: ConnectionSettings): Promise<void> {
  const client = await connect(source, 'rowcast test', { replication: 'database' });
  try {
    await eventually(
      () =>
        client.query('ALTER_REPLICATION_SLOT slot_shop (FAILOVER)').then(
          () => true,
          () => false,
        ),
      'the slot to be let go',
    );
  } finally {
    await client.end();
  }
}
