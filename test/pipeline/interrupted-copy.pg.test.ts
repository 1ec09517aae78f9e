import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { schemaChangesTopic } from '../../src/log/protocol/topics.ts';
import { RecordReader } from '../../src/log/record-reader.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import { installDdl } from '../../src/source/wal/ddl/ddl-log.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

const SMALL_STEPS: Partial<WalSourceSettings> = {
  maxBatchBytes: 64 * 1024,
  snapshotChunkBytes: 256 * 1024,
  snapshotThreads: 3,
};

const SCHEMA = /* sql */ `
  create table docs (id int primary key, n int, body text not null);
  alter table docs alter body set storage external;
  insert into docs select g, 0, repeat(md5(g::text), 80) from generate_series(1, 4000) g;
  create table words (word text, part int, v text, primary key (word, part));
  insert into words select md5((g % 900)::text) || chr(65 + g % 50) || '''\\', g, 'v' from generate_series(1, 20000) g;
  create table events (kind text, v text);
  alter table events replica identity full;
  insert into events select 'k' || g % 7, repeat('e', 60) from generate_series(1, 20000) g;
  create table parts (id int primary key, v text) partition by range (id);
  create table parts_low partition of parts for values from (minvalue) to (5000);
  create table parts_high partition of parts for values from (5000) to (maxvalue);
  insert into parts select g, repeat('p', 50) from generate_series(1, 9000) g;
  create table zebra (id int primary key, v text);
  insert into zebra select g, repeat('z', 100) from generate_series(1, 9000) g`;
const TABLES = ['docs', 'words', 'events', 'parts', 'zebra'];

/** Seeded, so that a failure can be repeated as far as two servers allow. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

/** Statements that hurt a copy made of several snapshots. */
function statement(below: (n: number) => number): string {
  const id = 1 + below(4200);
  const far = 1 + below(4200);
  switch (below(12)) {
    case 0:
      return /* sql */ `update docs set n = n + 1 where id between ${id} and ${id + 20}`; // body is not sent
    case 1:
      return /* sql */ `update docs set body = repeat(md5(random()::text), 80) where id = ${id}`;
    case 2:
      return /* sql */ `delete from docs where id between ${id} and ${id + 3}`;
    case 3: // the row goes to the other side of what was copied, and its body is not sent
      return /* sql */ `update docs set id = ${far} where id = ${id} and not exists (select from docs where id = ${far})`;
    case 4: // one row leaves a key, another one takes it
      return /* sql */ `begin; update docs set id = -${id} where id = ${id}; update docs set id = ${id} where id = ${far};
        update docs set id = ${far} where id = -${id} and not exists (select from docs where id = ${far}); commit`;
    case 5:
      return /* sql */ `insert into docs values (${id}, -1, repeat(md5(random()::text), 80)) on conflict do nothing`;
    case 6:
      return /* sql */ `update words set part = part + 30000, v = v || '.' where word like '${'0123456789abcdef'[below(16)]}${below(10)}%' and part < 100000`;
    case 7:
      return /* sql */ `insert into events select 'k' || ${below(7)}, 'new' from generate_series(1, 3)`;
    case 8:
      return /* sql */ `delete from events where ctid in (select ctid from events where kind = 'k${below(7)}' limit 3)`;
    case 9:
      return /* sql */ `update events set v = v || '+' where ctid in (select ctid from events where kind = 'k${below(7)}' limit 3)`;
    case 10:
      return /* sql */ `update parts set id = 10000 - id where id = ${id} and not exists (select from parts where id = ${10000 - id})`;
    default:
      return /* sql */ `delete from zebra where id = ${id}; insert into zebra values (${far + 9000}, 'n') on conflict (id) do update set v = 'u'`;
  }
}

/** Writes until it is told to stop. */
function startWriting(db: Database, seed: number): { stop(): Promise<number> } {
  const below = randomOf(seed);
  let isOver = false;
  let written = 0;
  const writing = (async () => {
    while (!isOver) {
      await db.query(statement(below));
      written++;
      await sleep(below(8));
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await writing;
      return written;
    },
  };
}

/** How many control records of a kind the log has. */
async function countControls(replication: Replication, kind: string): Promise<number> {
  const topic = schemaChangesTopic('shop');
  const { signal } = new AbortController();
  const { end } = await replication.log.bounds(topic, 0, signal);
  let count = 0;
  for (let offset = 0; offset < end; ) {
    const [fetched] = await replication.log.read([{ topic, partition: 0, offset }], 1024 * 1024, 0, signal);
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      const value = reader.bytes.toString('utf8', reader.valueStart, reader.valueEnd);
      if (value.includes(`"kind":"${kind}"`)) count++;
    }
  }
  return count;
}

async function pair(name: string, schema: string, wal: Partial<WalSourceSettings>) {
  const source = await freshDatabase(`${name}_source`);
  const target = await freshDatabase(`${name}_target`);
  await source.query(schema);
  const replication = await Replication.open({ source: source.settings, target: target.settings, wal });
  return {
    source,
    target,
    replication,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

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
