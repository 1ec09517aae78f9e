import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import { eventually } from '../../pipeline/replication.ts';
import { Polled } from './polling.ts';

const ACCOUNTS = /* sql */ `
  create table accounts (id int primary key, balance int not null, filler text);
  create table transfers (id bigint generated always as identity primary key, amount int not null);
  insert into accounts select i, 100, repeat('f', 200) from generate_series(1, 400) i`;

const TRANSFER = /* sql */ `with moved as (update accounts set balance = balance - 1 where id = $1),
  got as (update accounts set balance = balance + 1 where id = $2) insert into transfers (amount) values (1)`;

/** Moves money until it is stopped, at most `limit` times. */
async function transfer(polled: Polled, signal: AbortSignal, limit: number): Promise<number> {
  const client = await connect(polled.source.settings, 'rowcast test');
  let count = 0;
  try {
    await client.query('set search_path = public');
    for (; count < limit && !signal.aborted; count++) {
      const from = 1 + ((count * 7) % 400);
      await client.query(TRANSFER, [from, 1 + ((from + 13) % 400)]);
    }
  } finally {
    await client.end();
  }
  return count;
}

/**
 * Waits until every transaction that the server, which other tests use too, began before the accounts were written is over: a poll that sees one
 * of them running leaves a checkpoint from which the next process reads again what was written since.
 */
async function nobodyIsOlder({ source }: Polled): Promise<void> {
  await eventually(async () => {
    const [row] = await source.query<{ isOver: boolean }>(
      `select bool_and(xmin::text::xid8 < pg_snapshot_xmin(pg_current_snapshot())) as "isOver" from accounts`,
    );
    return row?.isOver === true;
  }, 'older transactions to end');
}

test('shows only states that the source was in while rows change under a poll', async () => {
  await using polled = await Polled.open(ACCOUNTS, { maxBatchBytes: 4 * 1024, pollIntervalMs: 5 });
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('accounts', 'transfers');
  const stop = new AbortController();
  const writing = transfer(polled, stop.signal, 3_000);
  let looks = 0;
  const seen = new Set<number>();
  while (looks < 150) {
    const [row] = await polled.target.query<{ sum: number; transfers: number }>(
      `select (select sum(balance)::int from accounts) as sum, (select count(*)::int from transfers) as transfers`,
    );
    expect(row?.sum).toBe(40_000);
    seen.add(row?.transfers ?? 0);
    looks++;
    await sleep(5);
  }
  stop.abort();
  await writing;
  await polled.equal('accounts', 'transfers');
  expect(seen.size).toBeGreaterThan(1);
});

test('loses and doubles nothing when source and sink are stopped again and again under load', async () => {
  await using polled = await Polled.open(ACCOUNTS, { maxBatchBytes: 4 * 1024, pollIntervalMs: 5 });
  const stop = new AbortController();
  const writing = transfer(polled, stop.signal, 100_000);
  for (let round = 0; round < 12; round++) {
    const source = polled.replication.startSource();
    const sink = polled.replication.startSink();
    await sleep(30 + 25 * round);
    await Promise.all([source.stop(), sink.stop()]);
    if (source.failure !== undefined) throw source.failure;
    if (sink.failure !== undefined) throw sink.failure;
  }
  stop.abort();
  const transfers = await writing;
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('accounts', 'transfers');
  const [row] = await polled.target.query<{ count: number }>(`select count(*)::int as count from transfers`);
  expect(row?.count).toBe(transfers);
});

test('goes on from its checkpoint: what was sent is not read again', async () => {
  await using polled = await Polled.open(ACCOUNTS);
  await nobodyIsOlder(polled);
  const first = polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('accounts');
  await first.stop();
  await polled.source.query('update accounts set balance = 7 where id <= 3');
  const { changes } = polled.replication.sourceProgress;
  const second = polled.replication.startSource();
  await polled.equal('accounts');
  await second.stop(); // the replica may have what its source has not yet counted
  // A version of the table is announced by each claim.
  expect(polled.replication.sourceProgress.changes - changes).toBe(4);
});

test('follows tables that are created, altered, and get partitions', async () => {
  await using polled = await Polled.open(/* sql */ `
    create table events (id int primary key, at int);
    create table parts (id int primary key, n int) partition by range (id);
    create table parts_a partition of parts for values from (0) to (100);
    create table parts_b (id int primary key, n int not null);
    insert into parts select i, i from generate_series(1, 50) i;
    insert into parts_b select i, i from generate_series(100, 150) i;
    insert into events select i, i from generate_series(1, 50) i`);
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('events', 'parts');
  await polled.source.query(`create table later (id int primary key, t text); insert into later values (1, 'a')`);
  await polled.equal('later');
  await polled.source.query(
    `alter table events add column note text default 'none'; insert into events values (51, 1, 'x')`,
  );
  await polled.equal('events');
  await polled.source.query(`alter table events alter column at type text; update events set at = 'y' where id = 3`);
  await polled.equal('events');
  await polled.source.query(`alter table parts_b alter column n drop not null;
    alter table parts attach partition parts_b for values from (100) to (200)`);
  await polled.equal('parts');
});

test('reads a table again when somebody asks for it', async () => {
  await using polled = await Polled.open(ACCOUNTS);
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('accounts');
  await polled.target.query('delete from accounts where id < 100');
  const tables = [{ schema: 'public', name: 'accounts' }];
  await polled.replication.signal({ kind: 'execute', id: 'again', tables, isBlocking: false });
  await polled.equal('accounts');
});

test('keeps values exact in every text', async () => {
  await using polled = await Polled.open(/* sql */ `
    create type mood as enum ('sad', 'o\\k');
    create table v (id int primary key, a float8, b numeric, c timestamptz, d interval, e bytea, f mood, g text, h int[], i date, j json);
    insert into v values (1, 0.1, 'NaN', 'infinity', '1 mon 2 days', '\\x00ff', 'sad', E'a\\tb\\n\\\\N', '{1,NULL}', '4713-01-01 BC', '{"a":  1}'),
      (2, 'NaN', 1.10, '2026-11-22 01:02:03.456789+00', '-1 us', null, null, '', null, 'infinity', null)`);
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('v');
  await polled.source.query(
    `update v set a = 1e300 / 3, f = 'o\\k' where id = 1; insert into v (id, g) values (3, '\\.')`,
  );
  await polled.equal('v');
});

test('refuses a table without key, by its name', async () => {
  await using polled = await Polled.open('create table bag (n int); insert into bag values (1)');
  const source = polled.replication.startSource();
  await eventually(() => source.failure !== undefined, 'the source to stop');
  expect(String(source.failure)).toContain('Table public.bag has no key');
  polled.replication.resume(source);
});
