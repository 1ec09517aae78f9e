import { expect, test } from 'vitest';
import { OperatorError } from '../../../src/errors.ts';
import { eventually, type Running } from '../../pipeline/replication.ts';
import { type Operated, operated } from './operated.ts';

const TABLE = /* sql */ `create table t (id int primary key, v text); insert into t values (1, 'copied')`;

async function failure(task: Running): Promise<unknown> {
  await task.ended;
  return task.failure;
}

/** A pair that has copied and streams, its source stopped; `lost` is then committed while nobody reads. */
async function stopped(lost: string): Promise<Operated> {
  const world = await operated(TABLE);
  const { source, replication } = world;
  const task = replication.startSource();
  replication.startSink();
  await replication.settled();
  await task.stop();
  await source.query(lost);
  return world;
}

const slotOf = ({ source }: Operated): string => `slot_${source.settings.database}`;

/** Moves the slot to the end of WAL, as soon as the walsender of a stream that was closed has let go of it. */
async function advance(world: Operated): Promise<void> {
  const { source } = world;
  const held = /* sql */ `select from pg_replication_slots where slot_name = '${slotOf(world)}' and active`;
  await eventually(async () => (await source.query(held)).length === 0, 'the slot is free');
  await source.query(/* sql */ `select pg_replication_slot_advance('${slotOf(world)}', pg_current_wal_lsn())`);
}

test('nothing is accepted where nothing differs', async () => {
  await using world = await stopped(/* sql */ `insert into t values (2, 'streamed')`);
  const { replication, ask } = world;
  expect((await ask({ kind: 'accept', connector: 'shop' })).value).toMatchObject({ accepted: null });
  replication.startSource();
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(2);
});

test('a slot that was moved is accepted once, for what is missing', async () => {
  await using world = await stopped(/* sql */ `insert into t values (2, 'lost')`);
  const { source, target, replication, ask } = world;
  await advance(world);
  expect(await failure(replication.startSource())).toBeInstanceOf(OperatorError);

  const answer = await ask({ kind: 'accept', connector: 'shop' });
  expect(answer.lines.join('\n')).toMatch(/may be missing: what was committed after .* and before /);
  expect((await ask({ kind: 'accept', connector: 'shop' })).lines[0]).toContain('accepted already');
  await using again = fresh(world);
  again.start();
  await source.query(/* sql */ `insert into t values (3, 'streamed')`);
  await eventually(async () => (await target.query('select from public.t where id = 3')).length === 1, 'row 3');
  expect(await target.query('select id from public.t order by id')).toEqual([{ id: 1 }, { id: 3 }]);

  await again.stop();
  await source.query(/* sql */ `insert into t values (4, 'lost again')`);
  await advance(world);
  expect(await failure(fresh(world).start())).toBeInstanceOf(OperatorError);
});

test('an acceptance is void when the slot is moved once more before the start', async () => {
  await using world = await stopped(/* sql */ `insert into t values (2, 'lost')`);
  const { source, ask } = world;
  await advance(world);
  await ask({ kind: 'accept', connector: 'shop' });
  await source.query(/* sql */ `insert into t values (3, 'lost')`);
  await advance(world);
  expect(await failure(fresh(world).start())).toBeInstanceOf(OperatorError);
});

test('a slot that is missing is made only when the operator says so', async () => {
  await using world = await stopped(/* sql */ `insert into t values (2, 'lost')`);
  const { source, target, ask } = world;
  await source.query(/* sql */ `select pg_drop_replication_slot('${slotOf(world)}')`);
  await expect(ask({ kind: 'accept', connector: 'shop' })).rejects.toThrow('does not exist on this server');
  expect(await source.query(/* sql */ `select from pg_replication_slots where database = current_database()`)).toEqual(
    [],
  );
  const answer = await ask({ kind: 'accept', connector: 'shop', fromNow: true });
  expect(answer.lines.join('\n')).toContain('the present end of WAL');
  await source.query(/* sql */ `insert into t values (3, 'streamed')`);
  fresh(world).start();
  await eventually(async () => (await target.query('select from public.t where id = 3')).length === 1, 'row 3');
  expect(await target.query('select id from public.t order by id')).toEqual([{ id: 1 }, { id: 3 }]);
});

test('a publication that was made again is accepted by its own id only', async () => {
  await using world = await stopped(/* sql */ `insert into t values (2, 'before')`);
  const { source, target, ask } = world;
  const publication = `pub_${source.settings.database}`;
  const recreate = /* sql */ `drop publication ${publication}; create publication ${publication} for table only t`;
  await source.query(recreate);
  expect(await failure(fresh(world).start())).toBeInstanceOf(OperatorError);
  expect((await ask({ kind: 'accept', connector: 'shop' })).lines.join('\n')).toContain('dropped and created again');
  await source.query(recreate);
  expect(await failure(fresh(world).start())).toBeInstanceOf(OperatorError);
  await ask({ kind: 'accept', connector: 'shop' });
  await source.query(/* sql */ `insert into t values (3, 'streamed')`);
  fresh(world).start();
  await eventually(async () => (await target.query('select from public.t where id = 3')).length === 1, 'row 3');
  expect(await target.query('select id from public.t order by id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test('a source that runs is not taken away from its daemon', async () => {
  await using world = await operated(TABLE);
  const { replication, ask } = world;
  const task = replication.startSource();
  replication.startSink();
  await replication.settled();
  await expect(ask({ kind: 'accept', connector: 'shop' })).rejects.toThrow('Another process runs connector "shop"');
  await expect(ask({ kind: 'accept', connector: 'replica' })).rejects.toThrow('reads no WAL');
  await expect(ask({ kind: 'accept', connector: 'none' })).rejects.toThrow('There is no connector "none"');
  expect(task.failure).toBeUndefined();
});

/** A source in a process of its own, which remembers nothing. */
function fresh({ replication }: Operated): AsyncDisposable & { start(): Running; stop(): Promise<void> } {
  let running: Running | undefined;
  const stop = async (): Promise<void> => await running?.stop();
  return {
    start: () => {
      const memory = { incarnation: undefined, stored: undefined, takeOver: false };
      running = replication.startSource('one', memory);
      return running;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
