import { expect, test } from 'vitest';
import { eventually } from '../../pipeline/replication.ts';
import { Polled } from './polling.ts';

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
