import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { readHistory } from '../../src/pipeline/ledger.ts';
import { lookAtWalSource } from '../../src/source/wal/look.ts';
import { findObstacle } from '../../src/worker/operate/obstacle.ts';
import { settings } from '../source/wal/wal-fixture.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import { freshDatabase } from '../support/postgres.ts';
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
      running = replication.startSource();
      return running;
    },
    /** Starts the source with other lists, which are refused, and returns what is said. */
    async refused(lists: Wal): Promise<OperatorError> {
      const starting = await this.restart(lists);
      await starting.ended;
      const { failure } = starting;
      expect(failure).toBeInstanceOf(OperatorError);
      starting.failure = undefined; // it was expected
      return failure as OperatorError;
    },
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

const DISABLED: Wal = { publicationAutocreateMode: 'disabled', tableInclude: ['public.a'] };

test('a table with rows that the lists take in later is refused, as often as it is tried, and nothing is lost when it is taken out', async () => {
  await using world = await begun(DISABLED, TABLES, 'for all tables');
  const { source, target, replication } = world;
  for (const tableInclude of [['public.a', 'public.b'], [], ['public.a', 'public.b']]) {
    const refused = await world.refused({ tableInclude });
    expect(refused.message).toBe(
      'The lists of connector "shop" now take in table public.b, whose earlier rows were never captured',
    );
    expect(refused.advice).toContain('rowcast offsets reset shop');
    await source.query(/* sql */ `insert into a select max(id) + 1, 'while refused' from a`);
  }
  await world.restart({});
  await replication.settled();
  expect(await replication.expectEqual('a')).toBe(6);
  expect(await target.query(`select from pg_tables where tablename = 'b'`)).toEqual([]);
});

test('a look at the source tells what its start would be refused for', async () => {
  await using world = await begun(DISABLED, TABLES, 'for all tables');
  const { source, replication, publication } = world;
  await world.stop();
  const { end } = await replication.log.bounds('shop.checkpoints', 0, SIGNAL);
  const history = await readHistory(replication.log, 'shop', end, SIGNAL);
  const obstacleOf = async (tableInclude: readonly string[]) => {
    const lists = settings(source.settings, { ...DISABLED, name: 'shop', publicationName: publication, tableInclude });
    const looked = await lookAtWalSource(source.client, lists, 'rowcast test', SIGNAL);
    return await findObstacle('shop', history, looked, 'shop', SIGNAL);
  };
  expect(await obstacleOf(['public.a'])).toBeUndefined();
  expect(await obstacleOf([])).toEqual({
    message: 'The lists of connector "shop" now take in table public.b, whose earlier rows were never captured.',
    fix: 'rowcast offsets reset shop # or correct the lists',
  });
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

test('a table that was left out for a while is refused although it has no row: the deletion of its rows was missed', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for all tables');
  await world.restart({ tableExclude: ['public.b'] });
  await world.replication.settled();
  await world.source.query(/* sql */ `delete from b; insert into a values (4, 'seen')`);
  await world.replication.settled();
  expect((await world.refused({})).message).toContain('table public.b');
});

test('filtered: a table that was left out for a while is refused too', async () => {
  await using world = await begun({});
  await world.restart({ tableExclude: ['public.b'] });
  await world.replication.settled();
  await world.source.query(/* sql */ `delete from b; insert into a values (4, 'seen')`);
  await world.replication.settled();
  expect((await world.refused({})).message).toContain('table public.b');
  await world.restart({ tableExclude: ['public.b'] });
  await world.replication.settled();
  expect(await world.replication.expectEqual('a')).toBe(4);
});

test('filtered: a table with rows that the lists take in later is left out, with a warning', async () => {
  await using world = await begun({ tableInclude: ['public.a'] });
  await world.restart({ tableInclude: [] });
  await world.replication.settled();
  await eventually(() => world.replication.warnings.length > 0, 'the warning');
  expect(world.replication.warnings).toEqual([expect.stringContaining('Table "public"."b" is not captured')]);
  await world.source.query(/* sql */ `insert into b values (9, 'not captured'); insert into a values (9, 'captured')`);
  await world.replication.settled();
  expect(await world.replication.expectEqual('a')).toBe(4);
  expect(await world.target.query(`select from pg_tables where tablename = 'b'`)).toEqual([]);
});

test('columns that the lists take in later are refused, and nothing is lost when they are taken out', async () => {
  for (const [lists, wider] of [
    [{ columnExclude: ['public.a.secret'] }, {}],
    [{ columnInclude: ['public.a.v', 'public.b.*'] }, { columnInclude: ['public.a.(id|v|secret)', 'public.b.*'] }],
  ] as const) {
    await using world = await begun(lists);
    const none = { columnExclude: [], columnInclude: [] };
    const refused = await world.refused({ ...none, ...wider });
    expect(refused.message).toContain('now take in column public.a.secret, whose');
    await world.source.query(/* sql */ `update a set v = 'later', secret = 'changed'`);
    await world.restart({ ...none, ...lists });
    await world.replication.settled();
    expect(await world.target.query('select id, v from public.a order by id')).toEqual(
      [1, 2, 3].map((id) => ({ id, v: 'later' })),
    );
    expect(
      await world.target.query(`select from pg_attribute where attname = 'secret' and attrelid = 'public.a'::regclass`),
    ).toEqual([]);
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

test('a table with rows that is added to the publication is warned of once, while it runs', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for table a');
  const { source, replication, publication } = world;
  await source.query(
    /* sql */ `create table empty (id int primary key); alter publication ${publication} add table b, empty`,
  );
  const warning = `Table public.b was added to publication "${publication}": rows that it had before are not copied`;
  await eventually(() => replication.warnings.length > 0, 'the warning');
  await source.query(/* sql */ `insert into empty values (1); insert into b values (4, 'streamed')`);
  await replication.settled();
  expect(await replication.expectEqual('a', 'empty')).toBe(4);
  expect(await world.target.query('select id from public.b')).toEqual([{ id: 4 }]);
  expect(replication.warnings).toEqual([warning]);
});

test('a table with rows that was added to the publication meanwhile is warned of at the start', async () => {
  await using world = await begun({ publicationAutocreateMode: 'disabled' }, TABLES, 'for table a');
  const { source, replication, publication } = world;
  await world.stop();
  await source.query(/* sql */ `alter publication ${publication} add table b`);
  await world.restart({});
  await replication.settled();
  expect(replication.warnings).toEqual([expect.stringContaining('Table public.b was added to publication')]);
  await world.restart({});
  await replication.settled();
  expect(replication.warnings).toHaveLength(1);
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
