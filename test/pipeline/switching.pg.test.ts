import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import type { Source } from '../../src/source/source.ts';
import { createTriggerSource } from '../../src/source/trigger/trigger-source.ts';
import { createWalSource } from '../../src/source/wal/wal-source.ts';
import { systemClock } from '../../src/worker/system-clock.ts';
import { querySource } from '../source/query/polling.ts';
import { triggerSettings } from '../source/trigger/trigger-fixture.ts';
import { settings as walSettings } from '../source/wal/wal-fixture.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, Replication, type Running } from './replication.ts';

type Capture = (connection: ConnectionSettings, warn: (message: string) => void) => Source;

const wal =
  (more: Parameters<typeof walSettings>[1] = {}): Capture =>
  (connection, warn) =>
    createWalSource(walSettings(connection, { name: 'shop', ...more }), systemClock, warn);
const trigger =
  (more: Parameters<typeof triggerSettings>[1] = {}): Capture =>
  (connection, warn) =>
    createTriggerSource(triggerSettings(connection, more), systemClock, warn);
const polls: Capture = (connection, warn) => querySource(connection, { deletes: 'keys' }, warn);

const SCHEMA = /* sql */ `create table t (id int primary key, v text); insert into t select g, 'first' from generate_series(1, 2000) g`;

/** Why a task ended that only an operator can help. */
async function refusal(running: Running): Promise<OperatorError> {
  await running.ended;
  expect(running.failure).toBeInstanceOf(OperatorError);
  return running.failure as OperatorError;
}

test('what cannot go on where a source of another kind has ended says why, and what to do', async () => {
  await using source = await freshDatabase('switched');
  await using target = await freshDatabase('replica');
  await source.query(SCHEMA);
  let capture = wal();
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    capture: (...given) => capture(...given),
  });
  const first = replication.startSource();
  replication.startSink();
  await replication.settled();
  await first.stop();
  await source.query(`insert into t values (3001, 'in between'); delete from t where id <= 10`);

  capture = trigger({ snapshotMode: 'no_data' });
  const unread = replication.startSource();
  expect((await refusal(unread)).message).toContain('snapshot.mode is no_data');
  replication.resume(unread);

  await source.query(`drop trigger "!rowcast_shop" on t`);
  capture = trigger({ autocreateMode: 'disabled' });
  const lacking = replication.startSource();
  expect((await refusal(lacking)).message).toContain('Changes of table public.t are missed: it has no trigger');
  replication.resume(lacking);

  capture = polls;
  const polling = replication.startSource();
  const isPolled = async (): Promise<boolean> => {
    const [row] = await target.query<{ count: number }>('select count(*)::int as count from public.t');
    return row?.count === 1991;
  };
  await eventually(isPolled, 'the first poll to be shown');
  await replication.expectEqual('t');
  await polling.stop();
  for (const more of [{}, { snapshotMode: 'initial_only' } as const]) {
    await source.query(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database()`,
    );
    capture = wal(more);
    const streaming = replication.startSource();
    const { message, advice } = await refusal(streaming);
    expect(message).toBe('The log ends with what a source of another kind has captured, not the WAL');
    expect(advice).toContain('rowcast offsets reset shop --yes');
    replication.resume(streaming);
  }

  capture = trigger();
  replication.startSource();
  await source.query(`update t set v = 'by triggers' where id % 3 = 0`);
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(1991);
});

test.each([
  ['polls', polls],
  ['triggers', trigger()],
])('copies that a WAL source has left over end with the first reading of %s', async (_kind, next) => {
  await using source = await freshDatabase('switched');
  await using target = await freshDatabase('replica');
  await source.query(SCHEMA);
  let capture = wal({ incrementalChunkRows: 10 });
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    capture: (...given) => capture(...given),
  });
  const first = replication.startSource();
  replication.startSink();
  await replication.settled();
  await replication.signal({
    kind: 'execute',
    id: 'again',
    tables: [{ schema: 'public', name: 't' }],
    isBlocking: false,
  });
  await eventually(() => replication.requests.tables.some(({ begun }) => begun !== undefined), 'the copy to begin');
  await first.stop();
  expect(replication.requests.tables).not.toEqual([]);
  capture = next;
  await source.query(`delete from t where id % 2 = 0; update t set v = 'later'`);
  replication.startSource();
  const isWhole = async (): Promise<boolean> => {
    const [row] = await target.query<{ count: number }>(
      `select count(*)::int as count from public.t where v = 'later'`,
    );
    return row?.count === 1000 && replication.sinkProgress.applied?.partial === undefined;
  };
  await eventually(isWhole, 'the replica to be whole');
  expect(replication.requests.tables).toEqual([]);
  expect(await replication.expectEqual('t')).toBe(1000);
});
