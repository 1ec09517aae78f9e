import { describe, expect, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import type { Polling } from './polling.ts';
import { Polled } from './polling.ts';

const ORDERS = /* sql */ `
  create table orders (id int primary key, state text not null default 'new', at timestamptz default now());
  insert into orders select i from generate_series(1, 500) i`;

const MODES: readonly Polling[] = [
  { mode: 'xid' },
  { mode: 'incrementing', incrementingColumn: 'id' },
  { mode: 'timestamp', timestampColumns: ['at'] },
  { mode: 'timestamp+incrementing', timestampColumns: ['at'], incrementingColumn: 'id' },
];

/** What another session does while rows with greater values are committed. */
const LATE: readonly (readonly [what: string, sql: string])[] = [
  ['a long transaction', `insert into orders values (1000)`],
  ['a subtransaction', `savepoint s; insert into orders values (1000); release savepoint s`],
  [
    'a subtransaction of one that was rolled back to',
    `savepoint a; insert into orders values (999); rollback to savepoint a; insert into orders values (1000)`,
  ],
  [
    'a plpgsql exception block',
    `do $$ begin
       begin insert into orders values (1000); exception when unique_violation then null; end;
       begin insert into orders values (1); exception when unique_violation then update orders set state = 'late' where id = 1; end;
     end $$`,
  ],
];

describe.each(MODES)('mode $mode', (polling) => {
  test.each(LATE)('finds what %s commits after rows with greater values were sent', async (_what, sql) => {
    await using polled = await Polled.open(ORDERS, polling);
    polled.replication.startSource();
    polled.replication.startSink();
    await polled.equal('orders');
    const late = await connect(polled.source.settings, 'rowcast test');
    try {
      await late.query(`set search_path = public; begin; ${sql}`);
      for (let id = 2_001; id <= 2_003; id++) {
        await polled.source.query(`insert into orders values (${id})`);
        await polled.equal('orders');
      }
      await late.query('commit');
    } finally {
      await late.end();
    }
    await polled.equal('orders');
    expect(await polled.target.query('select id from orders where id = 1000')).toHaveLength(1);
  });
});

test('sends a row once though an older transaction keeps being open', async () => {
  await using polled = await Polled.open(ORDERS);
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('orders');
  const changes = polled.replication.sourceProgress.changes;
  const late = await connect(polled.source.settings, 'rowcast test');
  try {
    await late.query(`set search_path = public; begin; insert into orders values (1000)`);
    for (let id = 2_001; id <= 2_005; id++) {
      await polled.source.query(`insert into orders values (${id})`);
      await polled.equal('orders');
    }
    await late.query('commit');
  } finally {
    await late.end();
  }
  await polled.equal('orders');
  expect(polled.replication.sourceProgress.changes - changes).toBe(6);
});

test('finds rows with equal and with no timestamps, whatever a batch holds', async () => {
  await using polled = await Polled.open(
    /* sql */ `create table orders (id int primary key, at timestamptz, filler text);
      insert into orders select i, '2026-01-01', repeat('x', 100) from generate_series(1, 3000) i`,
    { mode: 'timestamp', timestampColumns: ['at'], maxBatchBytes: 8 * 1024 },
  );
  polled.replication.startSource();
  polled.replication.startSink();
  await polled.equal('orders');
  await polled.source.query(`insert into orders select i, '2026-01-01', 'same' from generate_series(3001, 6000) i`);
  await polled.source.query(`insert into orders select i, null, 'none' from generate_series(6001, 6100) i`);
  await polled.source.query(`insert into orders select i, '1999-01-01', 'old' from generate_series(6101, 6200) i`);
  await polled.equal('orders');
});
