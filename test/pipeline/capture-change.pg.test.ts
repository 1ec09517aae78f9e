import { expect, test } from 'vitest';
import { NO_REQUESTS } from '../../src/change/copy-request.ts';
import { connect } from '../../src/postgres/connect.ts';
import { readHistory } from '../../src/pipeline/ledger.ts';
import { lookAtWalSource } from '../../src/source/wal/look.ts';
import { findObstacle } from '../../src/worker/operate/obstacle.ts';
import { settings } from '../source/wal/wal-fixture.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { eventually, Replication, type Running } from './replication.ts';

type Wal = Partial<WalSourceSettings>;
const SIGNAL: AbortSignal = new AbortController().signal;

const TABLES = /* sql */ `create table a (id int primary key, v text, secret text); create table b (id int primary key, v text);
  insert into a select i, 'first', 's' from generate_series(1, 3) i; insert into b select i, 'first' from generate_series(1, 3) i`;

/** A replication whose publication somebody else has made, begun with these lists. */
async function begun(wal: Wal, sql: string = TABLES, publication?: string) {
  const source = await freshDatabase('shop');
  const target = await freshDatabase('replica');
  await source.query(sql);
  if (publication !== undefined)
    await source.query(`create publication pub_${source.settings.database} ${publication}`);
  const options: { wal: Wal; source: typeof source.settings; target: typeof target.settings } = {
    wal,
    source: source.settings,
    target: target.settings,
  };
  const replication = await Replication.open(options);
  let running = replication.startSource();
  replication.startSink();
  await replication.settled();
  return {
    source,
    target,
    replication,
    publication: `pub_${source.settings.database}`,
    stop: () => running.stop(),
    /** Stops the source and starts it with other lists. */
    async restart(lists: Wal): Promise<Running> {
      await running.stop();
      options.wal = { ...wal, ...lists };
      replication.requests = NO_REQUESTS;
      running = replication.startSource();
      return running;
    },
    /** Waits until so many tables that were not captured before are copied, under the present claim. */
    async covered(tables: number): Promise<void> {
      await eventually(() => replication.requests.covered?.length === tables, `${tables} tables to be copied`);
      await replication.copied();
    },
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

/** The tables that lack rows, as the target itself tells; null: none. */
async function partialInTarget(target: Database): Promise<unknown> {
  const [row] = await target.query<{ partial: unknown }>(`select state->'partial' as partial from rowcast.progress`);
  return row?.partial;
}

const DISABLED: Wal = { publicationAutocreateMode: 'disabled', tableInclude: ['public.a'] };

test('a table with rows that the lists take in later is copied while the stream goes on, and narrower lists leave it alone', async () => {
  await using world = await begun(DISABLED, TABLES, 'for all tables');
  const { source, target, replication } = world;
  await world.stop();
  await source.query(/* sql */ `insert into a values (4, 'away'); update b set v = 'away' where id = 2`);
  await world.restart({ tableInclude: ['public.a', 'public.b'] });
  await world.covered(1);
  await source.query(/* sql */ `update b set v = v || '!'; insert into b values (4, 'streamed')`);
  await replication.settled();
  expect(await replication.expectEqual('a', 'b')).toBe(8);
  await world.restart({});
  await source.query(/* sql */ `delete from b where id = 1; insert into a values (5, 'narrow')`);
  await replication.settled();
  expect(await replication.expectEqual('a')).toBe(5);
  expect(await target.query('select from b')).toHaveLength(4);
  await world.restart({ tableInclude: [] });
  await world.covered(1);
  expect(await replication.expectEqual('a', 'b')).toBe(8);
});

test('a look at the source sees no obstacle in lists that take in more', async () => {
  await using world = await begun(DISABLED, TABLES, 'for all tables');
  const { source, replication, publication } = world;
  await world.stop();
  const { end } = await replication.log.bounds('shop.checkpoints', 0, SIGNAL);
  const history = await readHistory(replication.log, 'shop', end, SIGNAL);
  const lists = settings(source.settings, {
    ...DISABLED,
    name: 'shop',
    publicationName: publication,
    tableInclude: [],
  });
  const looked = await lookAtWalSource(source.client, lists, 'rowcast test', SIGNAL);
  expect(await findObstacle('shop', history, looked, 'shop', SIGNAL)).toBeUndefined();
});

test('a table without rows that the lists take in later is captured whole', async () => {
  await using world = await begun(DISABLED, `${TABLES}; truncate b`, 'for all tables');
  await world.stop();
  await world.source.query(/* sql */ `insert into a values (4, 'away')`);
  await world.restart({ tableInclude: [] });
  await world.replication.settled();
  await world.source.query(/* sql */ `insert into b values (1, 'captured')`);
  await world.replication.settled();
  expect(await world.replication.expectEqual('a', 'b')).toBe(5);
});

test('a table that was left out for a while is copied again although it has no row: the deletion of its rows was missed', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for all tables');
  await world.restart({ tableExclude: ['public.b'] });
  await world.replication.settled();
  await world.source.query(/* sql */ `delete from b; insert into a values (4, 'seen')`);
  await world.replication.settled();
  await world.restart({});
  await world.covered(1);
  expect(await world.replication.expectEqual('a', 'b')).toBe(4);
});

test('filtered: a table that was left out for a while is copied again too', async () => {
  await using world = await begun({});
  await world.restart({ tableExclude: ['public.b'] });
  await world.replication.settled();
  await world.source.query(/* sql */ `delete from b where id < 3; insert into a values (4, 'seen')`);
  await world.replication.settled();
  await world.restart({});
  await world.covered(1);
  expect(await world.replication.expectEqual('a', 'b')).toBe(5);
});

test('filtered: a table with rows that the lists take in later joins the publication and is copied, also while somebody writes to it', async () => {
  await using world = await begun({ tableInclude: ['public.a'] });
  const writer = await connect(world.source.settings, 'rowcast writer');
  await writer.query(/* sql */ `begin; insert into public.b values (8, 'open')`);
  await world.restart({ tableInclude: [] });
  await eventually(() => world.replication.requests.tables.length > 0, 'the table to be needed');
  await world.replication.reached();
  expect(await partialInTarget(world.target)).toEqual(['public.b']);
  await writer.query(/* sql */ `insert into public.b values (7, 'open'); commit`);
  await writer.end();
  await world.covered(1);
  await world.source.query(/* sql */ `insert into b values (9, 'captured'); insert into a values (9, 'captured')`);
  await world.replication.settled();
  expect(await world.replication.expectEqual('a', 'b')).toBe(10);
  expect(await partialInTarget(world.target)).toBeNull();
  expect(world.replication.warnings).toEqual([]);
});

test('a table of which the lists take in more columns is copied again', async () => {
  for (const [lists, wider] of [
    [{ columnExclude: ['public.a.secret'] }, {}],
    [{ columnInclude: ['public.a.v', 'public.b.*'] }, { columnInclude: ['public.a.(id|v|secret)', 'public.b.*'] }],
  ] as const) {
    await using world = await begun(lists);
    await world.stop();
    await world.source.query(/* sql */ `update a set v = 'later', secret = 'changed' where id = 1`);
    await world.restart({ columnExclude: [], columnInclude: [], ...wider });
    await world.covered(1);
    await world.source.query(/* sql */ `update a set secret = secret || '!'`);
    await world.replication.settled();
    expect(await world.replication.expectEqual('a', 'b')).toBe(6);
  }
});

test('columns of a table without rows are captured when the lists take them in', async () => {
  await using world = await begun({ columnExclude: ['public.a.secret'] }, `${TABLES}; truncate a`);
  await world.restart({ columnExclude: [] });
  await world.replication.settled();
  await world.source.query(/* sql */ `insert into a values (1, 'v', 'told')`);
  await world.replication.settled();
  expect(await world.replication.expectEqual('a', 'b')).toBe(4);
});

test('without a copy wider lists are only told of', async () => {
  await using world = await begun({ ...DISABLED, snapshotMode: 'no_data' }, TABLES, 'for all tables');
  await world.restart({ tableInclude: [] });
  await eventually(() => world.replication.warnings.length > 0, 'the warning');
  await world.replication.settled();
  expect(world.replication.warnings).toEqual(['Captured from now on: table public.b']);
});

test('a table with rows that is added to the publication is copied while the stream goes on', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for table a');
  const { source, replication, publication } = world;
  await source.query(/* sql */ `create table empty (id int primary key)`);
  // The update arrives before anybody has looked: of a row that no replica has.
  await source.query(/* sql */ `alter publication ${publication} add table b, empty`);
  await source.query(/* sql */ `update b set v = 'updated' where id = 2`);
  await source.query(
    /* sql */ `insert into empty values (1); delete from b where id = 3; insert into b values (4, 'streamed')`,
  );
  await world.covered(2);
  expect(await replication.expectEqual('a', 'b', 'empty')).toBe(7);
  await source.query(/* sql */ `update b set v = 'again'; update empty set id = 2`);
  await replication.settled();
  expect(await replication.expectEqual('a', 'b', 'empty')).toBe(7);
  expect(replication.warnings).toEqual([]);
});

test('a table with rows that was added to the publication meanwhile is copied from the start on, once', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for table a');
  const { source, replication, publication } = world;
  await world.stop();
  await source.query(/* sql */ `alter publication ${publication} add table b; delete from b where id = 1`);
  await world.restart({});
  await world.covered(1);
  expect(await replication.expectEqual('a', 'b')).toBe(5);
  const { records } = replication.sourceProgress;
  for (let n = 0; n < 2; n++) {
    await world.restart({});
    await replication.settled();
  }
  expect(replication.requests.tables).toEqual([]);
  expect(replication.sourceProgress.records).toBe(records);
});

test('a table that is dropped before its copy is not waited for', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for table a');
  const { source, replication, publication } = world;
  await replication.signal({ kind: 'pause', id: 'p' });
  await source.query(/* sql */ `alter publication ${publication} add table b; update b set v = 'updated'`);
  await eventually(() => replication.requests.tables.length === 1, 'the copy to be needed');
  await source.query(/* sql */ `update b set v = 'again'; drop table b; update a set v = 'last'`);
  await replication.signal({ kind: 'resume', id: 'r' });
  await replication.settled();
  expect(replication.requests.tables).toEqual([]);
  expect(await replication.expectEqual('a')).toBe(3);
});

test('a new table of a publication for all tables is nothing to warn of, though it is filled at once', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for all tables');
  const { source, replication } = world;
  await source.query(/* sql */ `create table c as select i as id from generate_series(1, 5) i`);
  await world.restart({});
  await replication.settled();
  expect(await replication.expectEqual('a', 'b', 'c')).toBe(11);
  expect(replication.warnings).toEqual([]);
});
