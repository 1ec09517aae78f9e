import { expect, test } from 'vitest';
import type { Position } from '../../../src/change/position.ts';
import type { HeldSource } from '../../../src/source/source.ts';
import { eventually } from '../../pipeline/replication.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { Polled, querySource } from './polling.ts';

const ITEMS = /* sql */ `
  create table items (shelf int, slot text, code text unique, primary key (slot, shelf));
  insert into items select i, E'slot\\t' || i, 'code ' || i from generate_series(1, 1000) i`;

test('finds deleted rows by their keys, key changes and reused unique values with them', async () => {
  await using polled = await Polled.open(ITEMS, { deletes: 'keys' });
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('items');
  const { changes } = polled.replication.sourceProgress;
  await polled.source.query('delete from items where shelf % 2 = 0');
  await polled.equal('items');
  expect(polled.replication.sourceProgress.changes - changes).toBe(500);
  await polled.source.query(`update items set shelf = shelf + 5000 where shelf < 100`);
  await polled.source.query(`delete from items where shelf = 101; insert into items values (7000, 'new', 'code 101')`);
  await polled.equal('items');
  await polled.source.query('truncate items');
  await polled.equal('items');
});

test('finds what was deleted while nobody polled', async () => {
  await using polled = await Polled.open(ITEMS, { deletes: 'keys' });
  const first = polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('items');
  await first.stop();
  await polled.source.query('delete from items where shelf < 10');
  const second = polled.replication.startSource();
  await polled.equal('items');
  await second.stop();
  const { changes } = polled.replication.sourceProgress;
  polled.replication.startSource();
  await polled.source.query('delete from items where shelf = 20');
  await polled.equal('items');
  expect(polled.replication.sourceProgress.changes).toBeGreaterThan(changes);
});

test('stops and says so when keys are more than may be remembered', async () => {
  await using polled = await Polled.open(ITEMS, { deletes: 'keys', keyMemoryBytes: 10_000 });
  const source = polled.replication.startSource();
  await eventually(() => source.failure !== undefined, 'the source to stop');
  expect(String(source.failure)).toContain('The keys of table public.items are more than may be remembered');
  polled.replication.resume(source);
});

test('bulk replaces whole tables, those without key too', async () => {
  await using polled = await Polled.open(
    'create table bag (n int, t text); insert into bag select i % 3, null from generate_series(1, 100) i',
    { mode: 'bulk', maxBatchBytes: 1024 },
  );
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('bag');
  await polled.source.query(`delete from bag where n = 1; update bag set t = 'two' where n = 2`);
  await polled.equal('bag');
  await polled.source.query('truncate bag');
  await polled.equal('bag');
});

test('tables that are read as a whole are emptied together, so that a replica need not lock one after another', async () => {
  await using source = await freshDatabase('polled');
  await source.query(/* sql */ `create table a (id int primary key); create table b (id int primary key); create table c (id int primary key);
    insert into a values (1), (2); insert into b values (1), (2); insert into c values (1)`);
  const { signal } = new AbortController();
  const open = async (id: string): Promise<HeldSource> =>
    await querySource(source.settings, { deletes: 'keys' }, () => {}).open(
      { daemon: 'd', offset: 0, id },
      false,
      signal,
    );
  let position: Position;
  {
    await using first = await open('1');
    position = await first.create(signal);
    for await (const batch of first.snapshot(signal)) position = batch.position ?? position;
  }
  await source.query(/* sql */ `delete from a where id = 1; delete from b where id = 1; insert into c values (2)`);
  await using second = await open('2');
  const emptied: string[][] = [];
  for await (const batch of second.read(position, signal)) {
    for (const control of batch.controls)
      if (control.kind === 'snapshot-again') emptied.push(control.tables.map(({ name }) => name));
    if (batch.position !== undefined) break;
  }
  expect(emptied).toEqual([['a', 'b', 'c']]);
});
