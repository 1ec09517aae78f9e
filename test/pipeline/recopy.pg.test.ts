import { expect, test } from 'vitest';
import type { CopySignal, CopyTarget } from '../../src/change/copy-request.ts';
import { eventually } from './replication.ts';
import { countControls, pair, SCHEMA, SMALL_STEPS, startWriting, TABLES, type World } from './copy-world.ts';

async function streaming(name: string, wal = {}): Promise<World> {
  const world = await pair(name, SCHEMA, { ...SMALL_STEPS, incrementalChunkRows: 100, ...wal });
  world.replication.startSource();
  world.replication.startSink();
  await world.replication.settled();
  return world;
}

function execute(names: readonly string[], more: Partial<CopyTarget> & { isBlocking?: boolean } = {}): CopySignal {
  const { isBlocking = false, ...target } = more;
  return {
    kind: 'execute',
    id: 'test',
    tables: names.map((name) => ({ schema: 'public', name, ...target })),
    isBlocking,
  };
}

test('a copy on demand repairs rows that are missing, changed or too many', async () => {
  await using world = await streaming('repair');
  const { source, target, replication } = world;
  await target.query(/* sql */ `delete from docs where id % 7 = 0`);
  await target.query(/* sql */ `update docs set n = -1 where id % 5 = 0`);
  await target.query(/* sql */ `insert into docs select g, 1, 'ghost' from generate_series(90000, 90100) g`);
  await replication.signal(execute(['docs']));
  await replication.copied();
  expect(await replication.expectEqual(...TABLES)).toBe(62_000);
  await source.query(/* sql */ `update docs set n = n + 1`);
  await replication.settled();
  await replication.expectEqual(...TABLES);
  expect(await countControls(replication, 'snapshot-again')).toBe(1);
});

test.each([1, 2])(
  'tables are copied while they are written to, also when the source is killed in between (seed %i)',
  async (seed) => {
    await using world = await pair(`load_${seed}`, SCHEMA, { ...SMALL_STEPS, incrementalChunkRows: 100 });
    const { source, target, replication } = world;
    let running = replication.startSource();
    const applying = replication.startSink();
    await replication.settled();
    await target.query(/* sql */ `update docs set n = -7 where id % 3 = 0`);
    await target.query(/* sql */ `update zebra set v = 'damaged' where id % 4 = 0`);
    const writing = startWriting(source, seed);
    await replication.signal(execute(['docs', 'words', 'parts', 'zebra', 'events']));
    for (let kills = 0; kills < 6 && replication.requests.tables.length > 0; kills++) {
      const before = replication.sourceProgress.changes;
      await eventually(
        () =>
          replication.sourceProgress.changes > before + 3_000 * (1 + ((seed + kills) % 3)) ||
          replication.requests.tables.length === 0,
        'the copies to go on',
      );
      await running.stop();
      expect(running.failure).toBeUndefined();
      running = replication.startSource();
    }
    await eventually(() => replication.requests.tables.length === 0, 'the copies to end');
    await writing.stop();
    await replication.copied();
    await replication.expectEqual(...TABLES);
    expect([running.failure, applying.failure]).toEqual([undefined, undefined]);
  },
);

test('a part of a table is copied by a condition, and only that', async () => {
  await using world = await streaming('part');
  const { target, replication } = world;
  await target.query(/* sql */ `delete from zebra where id % 2 = 0`);
  await target.query(/* sql */ `update zebra set v = 'other' where id = 8001`);
  await replication.signal(execute(['zebra'], { condition: "id between 1000 and 7000 and v <> ''" }));
  await replication.copied();
  const [row] = await target.query<{ inside: number; outside: number; other: string }>(
    /* sql */ `select (count(*) filter (where id between 1000 and 7000))::int as inside, (count(*) filter (where id < 1000))::int as outside,
      max(v) filter (where id = 8001) as other from zebra`,
  );
  expect(row).toEqual({ inside: 6001, outside: 500, other: 'other' });
  await expect(replication.signal(execute(['zebra'], { condition: 'true) or (true' }))).rejects.toThrow(/condition/);
  await expect(replication.signal(execute(['zebra'], { condition: 'nothing = 1' }))).rejects.toThrow(/condition/);
  await expect(replication.signal(execute(['absent']))).rejects.toThrow('Table public.absent is not captured');
});

test('a table without key, and one that is asked for as a whole, are copied at one moment', async () => {
  await using world = await streaming('whole');
  const { source, target, replication } = world;
  await source.query(/* sql */ `insert into events select 'quiet', g::text from generate_series(1, 200) g`);
  await replication.settled();
  const writing = startWriting(source, 9);
  // Nobody updates these: an update of a row that is not there would stop the sink before the copy arrives.
  await target.query(/* sql */ `delete from events where kind = 'quiet'; insert into events values ('ghost', '')`);
  await replication.signal(execute(['events']));
  await target.query(/* sql */ `update docs set n = -3 where id % 9 = 0`);
  await replication.signal(execute(['docs'], { isBlocking: true }));
  await eventually(() => replication.requests.tables.length === 0, 'the copies to end');
  await writing.stop();
  await replication.copied();
  await replication.expectEqual(...TABLES);
});

test('copies pause, go on and stop as they are told', async () => {
  await using world = await streaming('control');
  const { target, replication } = world;
  await replication.signal({ kind: 'pause', id: 'p' });
  await replication.signal(execute(['zebra', 'parts', 'words']));
  await target.query(/* sql */ `update words set v = 'stays'`);
  expect(replication.requests).toMatchObject({ isPaused: true, tables: [{ name: 'zebra' }, { name: 'parts' }, {}] });
  await replication.signal({ kind: 'stop', id: 's', tables: ['public.words'] });
  await replication.signal({ kind: 'resume', id: 'r' });
  await replication.copied();
  expect(await target.query(/* sql */ `select distinct v from words`)).toEqual([{ v: 'stays' }]);
  await replication.expectEqual('zebra', 'parts');
});

test('a table that joins the publication is copied while streaming, and so is one that the lists take in', async () => {
  await using world = await pair('joins', SCHEMA, { ...SMALL_STEPS, tableExclude: ['public.(zebra|words)'] });
  const { source, replication } = world;
  const running = replication.startSource();
  replication.startSink();
  await replication.settled();
  await running.stop();
  await source.query(/* sql */ `create table later (id int primary key, v text)`);
  await source.query(/* sql */ `insert into later select g, 'l' from generate_series(1, 5000) g`);
  world.options.wal = { ...SMALL_STEPS, incrementalChunkRows: 100 };
  replication.startSource();
  await eventually(() => replication.requests.tables.length > 0, 'the copies to begin');
  await source.query(/* sql */ `update zebra set v = v || '!'; delete from later where id % 3 = 0`);
  await replication.copied();
  expect(replication.requests.covered).toHaveLength(3);
  await replication.expectEqual(...TABLES, 'later');
});
