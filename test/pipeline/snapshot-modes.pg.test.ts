import { expect, test } from 'vitest';
import { systemClock } from '../../src/worker/system-clock.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { eventually, Replication, type ReplicationOptions } from './replication.ts';

const TABLES = /* sql */ `
  create table t (id int primary key, v text); insert into t select i, 'first' from generate_series(1, 50) i;
  create table u (id int primary key, v text); insert into u select i, 'first' from generate_series(1, 20) i`;

interface World extends AsyncDisposable {
  readonly source: Database;
  readonly target: Database;
  readonly replication: Replication;
  /** Why everything was copied again. */
  readonly reasons: string[];
  readonly slot: string;
}

async function world(name: string, more: Pick<ReplicationOptions, 'wal' | 'loop'>): Promise<World> {
  const source = await freshDatabase(`modes_${name}_source`);
  const target = await freshDatabase(`modes_${name}_target`);
  await source.query(TABLES);
  const reasons: string[] = [];
  const { loop, wal } = more;
  const replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    ...(wal && { wal }),
    loop: { onCopyAgain: (reason) => reasons.push(reason), ...loop },
  });
  return {
    source,
    target,
    replication,
    reasons,
    slot: `slot_${source.settings.database}`,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

/** What a fresh process remembers, of a connector whose mode is `always` or not. */
const fresh = (copyAgain: boolean) => ({ incarnation: undefined, stored: undefined, takeOver: false, copyAgain });

test('always copies everything again at every start, and a replica keeps no ghost', async () => {
  await using at = await world('always', { loop: { recopy: 'always' } });
  const { source, replication, reasons } = at;
  const first = replication.startSource('one', fresh(true));
  replication.startSink();
  await replication.settled();
  expect(reasons).toEqual([]); // the first copy is one anyway
  await first.stop();
  await source.query(/* sql */ `delete from t where id > 40; insert into t values (99, 'new'); truncate u`);
  const second = replication.startSource('one', fresh(true));
  await replication.settled();
  expect(reasons).toEqual(['the connector was started']);
  expect(await replication.expectEqual('t', 'u')).toBe(41);

  await second.stop();
  replication.startSource('one', fresh(false)); // another run of the same start: it goes on
  await source.query(/* sql */ `insert into u values (1, 'streamed')`);
  await replication.settled();
  expect(reasons).toHaveLength(1);
  expect(await replication.expectEqual('t', 'u')).toBe(42);
});

test('always goes on with a copy that a kill has left, instead of with the slot that it finds', async () => {
  await using at = await world('killed', { loop: { recopy: 'always' }, wal: { maxBatchBytes: 1024 } });
  const { source, replication, reasons } = at;
  const first = replication.startSource('one', fresh(true));
  replication.startSink();
  await replication.settled();
  await first.stop();
  await source.query(/* sql */ `insert into t select i, repeat('x', 500) from generate_series(100, 2000) i`);
  const second = replication.startSource('one', fresh(true));
  await eventually(() => (replication.sourceProgress.snapshot?.rows ?? 0) > 60, 'a part of the copy');
  await second.stop();
  replication.startSource('one', fresh(true));
  await replication.settled();
  expect(reasons).toHaveLength(1);
  expect(await replication.expectEqual('t', 'u')).toBe(1971);
});

test('when_needed copies everything again where other modes stop for a gap', async () => {
  await using at = await world('needed', { loop: { recopy: 'when lost' }, wal: { outlivesLoss: true } });
  const { source, replication, reasons, slot } = at;
  const first = replication.startSource('one', fresh(false));
  replication.startSink();
  await replication.settled();
  await first.stop();
  await source.query(/* sql */ `select pg_drop_replication_slot('${slot}')`);
  await source.query(/* sql */ `delete from t where id < 10; update u set v = 'unseen'`);
  const second = replication.startSource('one', fresh(false));
  await replication.settled();
  expect(reasons).toEqual([expect.stringContaining(`Slot ${slot} is missing`)]);
  expect(await replication.expectEqual('t', 'u')).toBe(61);

  await second.stop();
  await source.query(/* sql */ `drop publication pub_${source.settings.database}`);
  await source.query(/* sql */ `insert into u values (77, 'unseen')`);
  const third = replication.startSource('one', fresh(false));
  await replication.settled();
  expect(reasons).toHaveLength(2);
  expect(await replication.expectEqual('t', 'u')).toBe(62);

  await third.stop();
  await source.query(/* sql */ `insert into u values (78, 'streamed')`);
  replication.startSource('one', fresh(false));
  await replication.settled();
  expect(reasons).toHaveLength(2); // nothing was lost: nothing is copied
  expect(await replication.expectEqual('t', 'u')).toBe(63);
});

test('when_needed does not take another server for lost history', async () => {
  await using at = await world('other', { loop: { recopy: 'when lost' }, wal: { outlivesLoss: true } });
  const { replication, reasons } = at;
  const first = replication.startSource('one', fresh(false));
  replication.startSink();
  await replication.settled();
  await first.stop();
  const { createWalSource } = await import('../../src/source/wal/wal-source.ts');
  const { settings } = await import('../source/wal/wal-fixture.ts');
  const real = createWalSource(
    settings(at.source.settings, { slotName: at.slot, name: 'shop' }),
    systemClock,
    () => {},
  );
  const other = await Replication.open({
    source: at.source.settings,
    target: at.target.settings,
    log: replication.log,
    loop: {
      recopy: 'always',
      onCopyAgain: (reason) => reasons.push(reason),
      source: {
        async open(...args) {
          const held = await real.open(...args);
          return Object.defineProperty(held, 'identity', { value: { ...held.identity, system: '1' } });
        },
      },
    },
  });
  const task = other.startSource('one', fresh(true));
  await task.ended;
  expect(String(task.failure)).toContain('The server is not the one that shop was read from');
  expect(reasons).toEqual([]);
});

test('a copy takes the tables and the rows that the settings say; what is left out is streamed', async () => {
  await using at = await world('part', {
    wal: { snapshotTables: ['public\\.T'], snapshotConditions: { 'public.t': `id % 2 = 0 or v = 'none'` } },
  });
  const { source, target, replication } = at;
  replication.startSource('one', fresh(false));
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `insert into u values (99, 'streamed'); insert into t values (99, 'streamed')`);
  await replication.settled();
  expect(
    await target.query('select count(*)::int as n, count(*) filter (where id % 2 = 1)::int as odd from t'),
  ).toEqual([{ n: 26, odd: 1 }]);
  expect(await target.query('select id from u')).toEqual([{ id: 99 }]);
});
