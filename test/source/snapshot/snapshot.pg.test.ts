import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { freshDatabase, uniqueName } from '../../support/postgres.ts';
import { changesOf, createAndCopy, eventually, open } from '../wal/wal-fixture.ts';

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

const CHANGES = {
  'a type changed': 'alter table a alter v type bigint',
  'a type of a partitioned table changed': 'alter table p alter v type bigint',
  'a partition was dropped': 'drop table p1',
  'a partition was detached': 'alter table p detach partition p1',
  'a table was dropped': 'drop table a',
  'a table was renamed': 'alter table a rename to b',
  'another table took the name': 'alter table a rename to c; create table a (id int primary key, v int)',
  'a schema was renamed': 'alter schema s rename to s2',
  'a column was renamed': 'alter table a rename v to w',
};

test.each(Object.entries(CHANGES))('begins anew when %s before it had locked the tables', async (_title, change) => {
  await using db = await freshDatabase('copy_changed');
  await db.query(`create table a (id int primary key, v int); insert into a select i, i from generate_series(1, 100) i;
    create table p (id int primary key, v int) partition by range (id);
    create table p1 partition of p for values from (0) to (10); insert into p values (1, 1);
    create schema s; create table s.t (id int primary key); insert into s.t values (1)`);
  await using held = await open(db.settings);
  const { signal } = new AbortController();
  await held.create(signal);
  await db.query(change);
  const read = async (): Promise<void> => {
    for await (const batch of held.snapshot(signal)) expect(batch.consistent).toBe(false);
  };
  await expect(read()).rejects.toBeInstanceOf(TransientError);
  const count = /* sql */ `select sum((xpath('/row/c/text()', query_to_xml('select count(*) c from ' || c.oid::regclass, false, true, ''))
    )[1]::text::int)::int as rows from pg_class c join pg_publication_rel r on r.prrelid = c.oid`;
  const { changes } = await createAndCopy(held);
  expect(changes.filter(({ op }) => op === 'read')).toHaveLength(
    (await db.query<{ rows: number }>(count))[0]?.rows ?? 0,
  );
});

test('copies although tables that it does not copy were changed before it had locked the others', async () => {
  await using db = await freshDatabase('copy_unchanged');
  await db.query(`create table a (id int primary key); create table b (id int); insert into a values (1); insert into b values (1);
    create table x (id int)`);
  await using held = await open(db.settings, { tableExclude: ['public\\.[bx]'] });
  const { signal } = new AbortController();
  await held.create(signal);
  await db.query(`alter table b alter id type bigint; drop table x; create table y (id int); analyze a`);
  const rows = [];
  for await (const batch of held.snapshot(signal)) rows.push(...changesOf(batch).filter(({ op }) => op === 'read'));
  expect(rows).toHaveLength(1);
});

test('refuses to copy a table of which a policy would hide rows', async () => {
  await using db = await freshDatabase('copy_policy');
  const role = uniqueName('limited');
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
