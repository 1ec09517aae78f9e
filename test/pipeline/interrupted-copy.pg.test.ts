import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { installDdl } from '../../src/source/wal/ddl/ddl-log.ts';
import { countControls, pair, randomOf, SCHEMA, SMALL_STEPS, startWriting, TABLES } from './copy-world.ts';
import { eventually, type Replication } from './replication.ts';

test('copies large tables in chunks on several connections, each row once', async () => {
  await using world = await pair('chunks', SCHEMA, SMALL_STEPS);
  const { replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  expect(await replication.expectEqual(...TABLES)).toBe(62_000);
  expect(replication.sourceProgress.snapshot).toMatchObject({ tables: 5, tablesDone: 5, rows: 62_000, percent: 100 });
});

test.each([1, 2, 3])(
  'a copy that is killed again and again goes on, whatever is written meanwhile (seed %i)',
  async (seed) => {
    await using world = await pair(`killed_${seed}`, SCHEMA, SMALL_STEPS);
    const { source, replication } = world;
    const below = randomOf(seed * 77);
    const writing = startWriting(source, seed);
    const applying = replication.startSink();
    let kills = 0;
    for (; kills < 12; kills++) {
      const before = replication.sourceProgress.changes;
      const running = replication.startSource();
      const goal = before + 200 + below(9_000);
      await eventually(
        () =>
          replication.sourceProgress.changes > goal ||
          replication.sourceProgress.state === 'streaming' ||
          running.failure !== undefined,
        'the copy to go on',
      );
      await running.stop();
      expect(running.failure).toBeUndefined();
      if (replication.sourceProgress.state === 'streaming' && kills > 6) break;
    }
    const reading = replication.startSource();
    await sleep(300);
    expect(await writing.stop()).toBeGreaterThan(10);
    await replication.settled();
    await replication.expectEqual(...TABLES);
    expect([reading.failure, applying.failure]).toEqual([undefined, undefined]);
    expect(await countControls(replication, 'snapshot-begin')).toBe(1);
  },
);

/** Starts a copy, and stops it when some of it was stored. */
async function copyHalf(replication: Replication): Promise<void> {
  const running = replication.startSource();
  await eventually(() => replication.sourceProgress.changes > 12_000, 'half a copy');
  await running.stop();
  expect(replication.sourceProgress.state).toBe('snapshot');
}

test.each([
  'alter table zebra add x int default 5',
  'alter table docs alter n type bigint',
  'truncate events; insert into events values (1, 2)',
  'drop table parts_high',
  'alter table words replica identity full',
])('a copy begins anew when its tables are not what they were: %s', async (change) => {
  await using world = await pair('changed', SCHEMA, SMALL_STEPS);
  const { source, replication } = world;
  replication.startSink();
  await copyHalf(replication);
  await source.query(change);
  replication.startSource();
  await replication.settled();
  await replication.expectEqual(...TABLES);
  expect(await countControls(replication, 'snapshot-begin')).toBe(2);
});

test('a copy begins anew when its slot is gone', async () => {
  await using world = await pair('no_slot', SCHEMA, SMALL_STEPS);
  const { source, replication } = world;
  replication.startSink();
  await copyHalf(replication);
  await source.query(
    /* sql */ `select pg_drop_replication_slot('slot_' || current_database()); delete from zebra where id < 50`,
  );
  replication.startSource();
  await replication.settled();
  await replication.expectEqual(...TABLES);
  expect(await countControls(replication, 'snapshot-begin')).toBe(2);
});

test('a copy that is all that is wanted goes on too, up to a state of one moment', async () => {
  await using world = await pair('only', SCHEMA, { ...SMALL_STEPS, snapshotMode: 'initial_only' });
  const { source, replication } = world;
  replication.startSink();
  await copyHalf(replication);
  await source.query(/* sql */ `update docs set id = id + 100000 where id % 3 = 0; delete from events where kind = 'k1';
    update zebra set v = 'later'; insert into parts values (-1, 'new')`);
  const running = replication.startSource();
  await running.ended;
  expect(running.failure).toBeUndefined();
  await eventually(() => replication.sinkProgress.applied?.consistent === true, 'a whole replica');
  await replication.expectEqual(...TABLES);
  expect(await source.query(/* sql */ `select from pg_replication_slots where database = current_database()`)).toEqual(
    [],
  );
  expect(await countControls(replication, 'snapshot-begin')).toBe(1);
});

/** Statements that hold at their moment, and not of rows that were read at several moments. */
test.each([
  [
    'create unique index docs_n on docs (n)',
    'update docs set n = -1 where id = 1; update docs set n = 1 where id = 4000',
  ],
  [
    'alter table docs add foreign key (n) references docs; update docs set n = 4000 where id = 1',
    'update docs set n = 1 where id = 1; delete from docs where id = 4000',
  ],
  ['alter table docs add check (n + length(body) > 2000)', 'update docs set n = 0'],
])('an interrupted copy begins anew when DDL came in between: %s', async (statement, later) => {
  await using world = await pair('copy_ddl', SCHEMA, SMALL_STEPS);
  const { source, replication } = world;
  await source.query(/* sql */ `update docs set n = id`);
  await installDdl(source.client, [source.settings.user]);
  const applying = replication.startSink();
  const running = replication.startSource();
  await eventually(() => replication.sourceProgress.changes > 500, 'some of the first table');
  await running.stop();
  await source.query(`${statement}; begin; ${later}; commit`);
  replication.startSource();
  await replication.settled();
  expect(applying.failure).toBeUndefined();
  await replication.expectEqual(...TABLES);
  expect(await countControls(replication, 'snapshot-begin')).toBe(2);
});

test('a copy begins anew when rows cannot be read again, because their table was altered', async () => {
  await using world = await pair('altered', SCHEMA, SMALL_STEPS);
  const { source, replication } = world;
  replication.startSink();
  await copyHalf(replication);
  await source.query(/* sql */ `update docs set id = id + 100000 where id % 3 = 0`); // the body is not sent
  const { changes } = replication.sourceProgress;
  const running = replication.startSource();
  await eventually(() => replication.sourceProgress.changes > changes, 'the copy to go on');
  await source.query(/* sql */ `alter table docs alter n type bigint`); // as soon as the copy lets go of the table
  await replication.settled();
  expect(running.failure).toBeUndefined();
  expect(String(replication.lastRetry)).toContain('was altered before its interrupted copy was consistent');
  await replication.expectEqual(...TABLES);
  expect(await countControls(replication, 'snapshot-begin')).toBe(2);
});
