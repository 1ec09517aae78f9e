import { describe, expect, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { lsnToPosition, parseLsn } from '../../../src/postgres/lsn.ts';
import { checkQuerySource } from '../../../src/source/query/preflight/preflight.ts';
import { assertReached } from '../../../src/source/query/reached.ts';
import type { QuerySourceSettings } from '../../../src/source/query/settings.ts';
import { compareTable } from '../../../src/verify/compare.ts';
import { eventually, Replication } from '../../pipeline/replication.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { startStandby } from '../../support/standby.ts';
import { Polled, querySource, querySettings, type Polling } from './polling.ts';

const ORDERS = /* sql */ `
  create table orders (id int primary key, state text not null default 'new');
  create table secret (id int primary key);
  insert into orders select i from generate_series(1, 300) i`;

test('needs a role that may only select what is captured', async () => {
  const role = `reader_${process.pid}`;
  const reader = (settings: ConnectionSettings): ConnectionSettings => ({
    ...settings,
    user: role,
    password: 'reader',
  });
  const sql = /* sql */ `${ORDERS}; create role ${role} login password 'reader'; grant select on orders to ${role}`;
  await using polled = await Polled.open(sql, { tableInclude: ['public.orders'], deletes: 'keys' }, { reader });
  try {
    polled.replication.startSource();
    polled.replication.startSink();
    await polled.equal('orders');
    await polled.source.query(`update orders set state = 'paid' where id < 10; delete from orders where id = 77`);
    await polled.equal('orders');
  } finally {
    await polled.replication[Symbol.asyncDispose]();
    await polled.source.query(`drop owned by ${role}; drop role ${role}`);
  }
});

async function judge(source: ConnectionSettings, polling: Polling): Promise<readonly string[]> {
  const settings: QuerySourceSettings = querySettings(source, polling);
  const { findings } = await checkQuerySource(settings, () => undefined, AbortSignal.timeout(30_000));
  return findings.flatMap(({ level, check, object }) => (level === 'ok' ? [] : [`${level}: ${check}, ${object}`]));
}

test('the check judges keys, columns, rights and queries', async () => {
  await using source = await freshDatabase('polled');
  await source.query(/* sql */ `${ORDERS}; create table bag (n int); create view large as select * from orders`);
  const lists = { tableInclude: ['public.orders', 'public.bag'] };
  expect(await judge(source.settings, lists)).toEqual(['problem: key, table public.bag']);
  expect(await judge(source.settings, { ...lists, mode: 'bulk' })).toEqual([]);
  const view = { tableInclude: ['public.large'], keyColumns: [{ tables: 'public.large', columns: ['id'] }] };
  expect(await judge(source.settings, view)).toEqual(['problem: mode, view public.large']);
  const incrementing = { ...view, mode: 'incrementing', incrementingColumn: 'id' } as const;
  expect(await judge(source.settings, incrementing)).toEqual(['warning: best effort, view public.large']);
  expect(await judge(source.settings, { ...incrementing, incrementingColumn: 'nope' })).toEqual([
    'problem: columns, view public.large',
  ]);
  const query = { sql: 'select * from public.nope', schema: 'public', name: 'q', key: ['id'] };
  expect(await judge(source.settings, { mode: 'bulk', query })).toEqual(['problem: query, query public.q']);
});

describe('on a standby', () => {
  test('finds what long transactions, subtransactions and exception blocks commit late', async () => {
    await using servers = await startStandby();
    const { primary, standby } = servers;
    const source = await primary.createDatabase('polled');
    await using target = await freshDatabase('replica');
    const writer = await connect(source, 'rowcast test');
    const late = await connect(source, 'rowcast test');
    const reader = await connectWhenThere({ ...standby.settings('polled') });
    const compared = await connect(target.settings, 'rowcast test');
    try {
      for (const client of [writer, late]) await client.query('set search_path = public');
      await writer.query(ORDERS);
      await using replication = await Replication.open({
        source: standby.settings('polled'),
        target: target.settings,
        capture: (connection, warn) => querySource(connection, { deletes: 'keys' }, warn),
      });
      replication.startSource();
      replication.startSink();
      const equal = async (): Promise<void> =>
        await eventually(
          async () => {
            const found = await compareTable(writer, compared, { schema: 'public', name: 'orders' }).catch(
              () => undefined,
            );
            return found !== undefined && found.difference === undefined;
          },
          () => `the replica to be equal: ${String(replication.lastRetry)}`,
        );
      await equal();
      let next = 5_000;
      for (const sql of [
        `insert into orders values (1000)`,
        `savepoint s; insert into orders values (1001); release savepoint s`,
        `do $$ begin begin insert into orders values (1002); exception when others then null; end; end $$`,
      ]) {
        await late.query(`begin; ${sql}`);
        for (const id of [1, 2]) {
          await writer.query(
            `insert into orders values (${++next}); update orders set state = state || 'x' where id = ${id}`,
          );
          await equal();
        }
        await late.query('commit');
        await equal();
      }
      await writer.query('delete from orders where id between 100 and 120');
      await equal();
      // Where a source of another kind has read the primary further, polls wait.
      await reader.query('select pg_wal_replay_pause()');
      await writer.query('insert into orders values (9000)');
      const { rows } = await writer.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn');
      const position = lsnToPosition(parseLsn(rows[0]?.lsn ?? ''));
      await expect(assertReached(reader, position)).rejects.toThrow('The standby has not replayed what the log has');
      await assertReached(writer, position);
      await reader.query('select pg_wal_replay_resume()');
      await eventually(
        () =>
          assertReached(reader, position).then(
            () => true,
            () => false,
          ),
        'the standby to have replayed it',
      );
    } finally {
      await Promise.all([writer, late, reader, compared].map((client) => client.end()));
    }
  });
});

/** The database was made on the primary just now. */
async function connectWhenThere(settings: ConnectionSettings): Promise<Awaited<ReturnType<typeof connect>>> {
  let client: Awaited<ReturnType<typeof connect>> | undefined;
  await eventually(async () => {
    client = await connect(settings, 'rowcast test').catch(() => undefined);
    return client !== undefined;
  }, 'the standby to have the database');
  return client as NonNullable<typeof client>;
}
