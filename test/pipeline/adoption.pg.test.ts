import { expect, test } from 'vitest';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, Replication } from './replication.ts';

const ROWS = /* sql */ `
  create table t (id int primary key, v text, j json, "odd ""name" point);
  insert into t select i, 'same', '{"a": 1.0}', '(1,2)' from generate_series(1, 100) i;
  create table whole (id int primary key, v text); insert into whole select i, 'same' from generate_series(1, 10) i;
  create table heap (v text); alter table heap replica identity full; insert into heap values ('a'), ('a'), ('b');
  create table bare (id int primary key)`;

test('a replica that has the rows is adopted: equal ones are counted, and what differs is told and kept', async () => {
  await using source = await freshDatabase('adopt_source');
  await using target = await freshDatabase('adopt_target');
  await source.query(ROWS);
  await target.query(ROWS);
  await target.query(/* sql */ `update t set v = 'own' where id <= 3; delete from t where id = 50; insert into t values (900, 'extra');
    delete from heap where v = 'b'; insert into heap values ('a'), ('c')`);
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    sink: { onExisting: 'adopt' },
    wal: { maxBatchBytes: 65_536 },
  });
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `insert into t values (901, 'streamed'); update whole set v = 'streamed' where id = 1`);
  await replication.settled();
  expect(await replication.expectEqual('t', 'whole', 'heap', 'bare')).toBe(114);
  const { warnings } = replication;
  const [first, heap, whole] = ['"t"', '"heap"', '"whole"'].map((name) => warnings.find((each) => each.includes(name)));
  expect(warnings.filter((each) => each.includes('adopted'))).toHaveLength(3); // an empty table is nobody's
  expect(first).toContain(
    '96 of its rows are equal at the source, 4 were not and are replaced or removed, 4 came from there',
  );
  expect(heap).toContain(
    '2 of its rows are equal at the source, 2 were not and are replaced or removed, 1 came from there',
  );
  expect(whole).toContain(
    '10 of its rows are equal at the source, 0 were not and are replaced or removed, 0 came from there',
  );
  const kept = /"rowcast"."(replaced_\w+)"/.exec(first ?? '')?.[1] as string;
  expect(await target.query(`select id, v from rowcast.${kept} order by id`)).toEqual([
    { id: 1, v: 'own' },
    { id: 2, v: 'own' },
    { id: 3, v: 'own' },
    { id: 900, v: 'extra' },
  ]);
  const left = /* sql */ `select count(*)::int as n from pg_tables where schemaname = 'rowcast' and tablename like 'aside%'`;
  expect(await target.query(left)).toEqual([{ n: 0 }]);
});

test('an adoption that is interrupted compares what the table had at first', async () => {
  await using source = await freshDatabase('adopt_again_source');
  await using target = await freshDatabase('adopt_again_target');
  const rows = /* sql */ `create table t (id int primary key, v text); insert into t select i, repeat('x', 200) from generate_series(1, 3000) i`;
  await source.query(rows);
  await target.query(rows);
  await target.query(/* sql */ `update t set v = 'own' where id = 7`);
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    sink: { onExisting: 'adopt' },
    wal: { maxBatchBytes: 4096 },
  });
  const task = replication.startSource();
  await eventually(() => (replication.sourceProgress.snapshot?.rows ?? 0) > 500, 'a part of the copy');
  await task.stop();
  const sink = replication.startSink();
  const aside = /* sql */ `select count(*)::int as n from pg_tables where tablename like 'aside%'`;
  await eventually(async () => (await target.query<{ n: number }>(aside))[0]?.n === 1, 'rows that are put aside');
  await sink.stop();
  await source.query(`create table u (id int primary key)`); // another list of tables: the copy begins anew
  replication.startSource();
  replication.startSink();
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(3000);
  expect(replication.warnings.join()).toContain('2999 of its rows are equal at the source, 1 were not');
});
