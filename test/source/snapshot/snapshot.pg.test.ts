import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freshDatabase } from '../../support/postgres.ts';
import { changesOf, eventually, open } from '../wal/wal-fixture.ts';

test('copies in bounded batches that all have the position, of which only the last is consistent', async () => {
  await using db = await freshDatabase('copy');
  await db.query(`create table a (id int primary key, v text); create table b (id int primary key);
    insert into a select i, repeat('x', 100) from generate_series(1, 5000) i; insert into b values (1)`);
  await using held = await open(db.settings, { maxBatchBytes: 65_536 });
  const { signal } = new AbortController();
  const position = await held.create(signal);
  // Committed after the slot was made: the stream's, not the copy's.
  await db.query(`insert into b values (2)`);
  const facts = [];
  const rows: string[] = [];
  for await (const batch of held.snapshot(signal)) {
    facts.push({ position: batch.position, consistent: batch.consistent });
    for (const { op, table, after } of changesOf(batch)) if (op === 'read') rows.push(`${table} ${after?.['id']}`);
  }
  expect(facts.length).toBeGreaterThan(8);
  expect(facts.every((each) => each.position === position)).toBe(true);
  expect(facts.map(({ consistent }) => consistent).indexOf(true)).toBe(facts.length - 1);
  expect([rows.length, new Set(rows).size, rows.at(-1)]).toEqual([5001, 5001, 'b 1']);
});

test('copies what a publication of somebody else publishes: its tables, columns and rows', async () => {
  await using db = await freshDatabase('copy_published');
  await db.query(`create table a (id int primary key, v text, secret text); create table b (id int);
    create publication pub for table a (id, v) where (id > 1); insert into a values (1, 'x', 's'), (2, 'y', 's')`);
  await using held = await open(db.settings, { publicationAutocreateMode: 'disabled' });
  const { signal } = new AbortController();
  await held.create(signal);
  const rows = [];
  for await (const batch of held.snapshot(signal)) rows.push(...changesOf(batch).filter(({ op }) => op === 'read'));
  expect(rows.map(({ after }) => after)).toEqual([{ id: '2', v: 'y' }]);
});

test.each(['abort', 'return'] as const)('leaves nothing behind when it is left by %s', async (way) => {
  await using db = await freshDatabase(`copy_${way}`);
  await db.query(`create table a (id int primary key, v text);
    insert into a select i, repeat('x', 1000) from generate_series(1, 20000) i`);
  await using held = await open(db.settings, { maxBatchBytes: 65_536 });
  const stop = new AbortController();
  await held.create(stop.signal);
  const reason = new Error('Enough');
  const read = async (): Promise<void> => {
    for await (const batch of held.snapshot(stop.signal)) {
      expect(batch.length).toBeGreaterThan(0);
      if (way === 'return') return;
      stop.abort(reason);
    }
  };
  if (way === 'abort') await expect(read()).rejects.toBe(reason);
  else await read();
  await eventually(async () => {
    const sql = `select 1 from pg_stat_activity where application_name like 'rowcast:%' and xact_start is not null`;
    return (await db.query(sql)).length === 0;
  });
});

test('holds little while nobody pulls', async () => {
  await using db = await freshDatabase('copy_unpulled');
  await db.query(`create table a (id int primary key, v text);
    insert into a select i, repeat('x', 1000) from generate_series(1, 60000) i`);
  await using held = await open(db.settings, { maxBatchBytes: 65_536 });
  const { signal } = new AbortController();
  await held.create(signal);
  const batches = held.snapshot(signal)[Symbol.asyncIterator]();
  await batches.next();
  const before = process.memoryUsage();
  await sleep(1000);
  const after = process.memoryUsage();
  expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024);
  await batches.return?.();
});

test('refuses to copy a table of which a policy would hide rows', async () => {
  await using db = await freshDatabase('copy_policy');
  const role = `limited_${process.pid}`;
  await db.query(`create table a (id int primary key); insert into a values (1); alter table a enable row level security;
    create role ${role} login replication password 'x'; grant select on a to ${role}; create publication pub for table a`);
  const connection = { ...db.settings, user: role, password: 'x' };
  try {
    await using held = await open(connection, { publicationAutocreateMode: 'disabled' });
    const { signal } = new AbortController();
    await held.create(signal);
    const read = async (): Promise<void> => {
      for await (const batch of held.snapshot(signal)) expect(batch.length).toBeGreaterThan(0);
    };
    await expect(read()).rejects.toThrow('Cannot copy table public.a');
  } finally {
    await db.query(`drop owned by ${role}; drop role ${role}`);
  }
});
