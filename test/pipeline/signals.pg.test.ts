import { expect, test } from 'vitest';
import { SignalFeed } from '../../src/worker/signals/signal-feed.ts';
import { signalHearer } from '../../src/worker/signals/hear-signal.ts';
import { systemClock } from '../../src/worker/system-clock.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { Told } from '../worker/signals/fake-source.ts';
import { eventually, Replication } from './replication.ts';

const TABLES = /* sql */ `
  create table t (id int primary key, v text); insert into t select i, 'first' from generate_series(1, 300) i;
  create table u (id int primary key, v text); insert into u select i, 'first' from generate_series(1, 20) i;
  create table signals (id varchar(42) primary key, type varchar(32) not null, data varchar(2048));
  insert into signals values ('old', 'stop-snapshot', '{}')`;

interface World extends AsyncDisposable {
  readonly source: Database;
  readonly target: Database;
  readonly replication: Replication;
  readonly told: Told;
  readonly feed: SignalFeed;
  signal(id: string, type: string, data: object): Promise<unknown>;
  /** What was told of signals. */
  facts: () => string[];
}

async function world(name: string): Promise<World> {
  const source = await freshDatabase(`signals_${name}_source`);
  const target = await freshDatabase(`signals_${name}_target`);
  await source.query(TABLES);
  const told = new Told();
  const options = { connector: 'shop', logger: told, clock: systemClock, intervalMs: 10 };
  const feed = new SignalFeed({ ...options, topic: undefined, file: undefined });
  const replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    wal: { tableInclude: ['public\\.[tu]'], signalTable: 'public.signals' },
    loop: { signals: feed },
    hear: signalHearer(told, 'shop'),
  });
  return {
    source,
    target,
    replication,
    told,
    feed,
    signal: (id, type, data) =>
      source.query(`insert into signals values ('${id}', '${type}', '${JSON.stringify(data).replaceAll("'", "''")}')`),
    facts: () => told.lines.map(({ fact, id }) => `${id === undefined ? '' : `${String(id)}: `}${fact}`),
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

const spoilt = /* sql */ `select count(*)::int as n from t where v = 'spoilt'`;
const collections = (...names: string[]) => ({ 'data-collections': names });

test('rows of the table of signals copy tables again, and are not sent themselves', async () => {
  await using at = await world('table');
  const { source, target, replication, facts } = at;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  expect(await target.query(`select to_regclass('public.signals')::text as t`)).toEqual([{ t: null }]);
  // Without a trace in the stream: only another copy can mend it.
  await target.query(/* sql */ `update t set v = 'spoilt' where id > 100; update u set v = 'spoilt'`);
  await at.signal('one', 'execute-snapshot', {
    ...collections('public.t', 'public\\.U'),
    'additional-conditions': [{ 'data-collection': 'public.t', filter: `id > 200 and v <> 'it''s'` }],
  });
  await eventually(async () => (await target.query<{ n: number }>(spoilt))[0]?.n === 100, 'the part of t');
  await eventually(async () => (await target.query(`select from u where v = 'spoilt'`)).length === 0, 'the whole of u');
  await at.signal('two', 'execute-snapshot', collections('public.t'));
  await eventually(async () => (await target.query<{ n: number }>(spoilt))[0]?.n === 0, 'the whole of t');
  await source.query(/* sql */ `update t set v = 'streamed' where id = 1`);
  await replication.settled();
  expect(await replication.expectEqual('t', 'u')).toBe(320);
  expect(facts()).toEqual(['one: signal carried out: execute snapshot', 'two: signal carried out: execute snapshot']);
});

test('a signal that cannot be carried out is told with its reason, and the stream goes on', async () => {
  await using at = await world('wrong');
  const { source, target, replication, told } = at;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await target.query(/* sql */ `update t set v = 'spoilt'`);
  await at.signal('gone', 'execute-snapshot', collections('public.gone'));
  await at.signal('filter', 'execute-snapshot', { ...collections('public.t'), 'additional-condition': 'nope = 1' });
  await at.signal('two', 'execute-snapshot', {
    ...collections('public.t'),
    'additional-condition': `id in (select 1 from signals); drop table u`,
  });
  await at.signal('type', 'snapshot-window-open', {});
  await source.query(/* sql */ `insert into signals values ('json', 'execute-snapshot', '{')`);
  await at.signal('log', 'log', { message: 'heard' });
  await source.query(/* sql */ `insert into u values (99, 'streamed')`);
  await replication.settled();
  expect(told.lines.map(({ id, reason, message }) => [id, reason ?? message])).toEqual([
    ['gone', expect.stringContaining('names no captured table')],
    ['filter', expect.stringContaining('The condition for table public.t is none that the server understands')],
    ['two', expect.stringContaining('must not hold a semicolon')],
    ['type', expect.stringContaining('Its type is none of')],
    ['json', expect.stringContaining('Its data is not a JSON object')],
    ['log', 'heard'],
  ]);
  expect(await target.query<{ n: number }>(spoilt)).toEqual([{ n: 300 }]);
});

test('a signal that was heard before a restart is carried out once', async () => {
  await using at = await world('once');
  const { source, target, replication, facts } = at;
  const first = replication.startSource();
  const sink = replication.startSink();
  await replication.settled();
  await at.signal('pause', 'pause-snapshot', {});
  await at.signal('copy', 'execute-snapshot', collections('public.t'));
  await eventually(() => facts().length === 2, 'both signals');
  await first.stop();
  await sink.stop();
  await target.query(/* sql */ `update t set v = 'spoilt' where id = 7`);
  replication.startSource();
  replication.startSink();
  await source.query(/* sql */ `insert into u values (99, 'streamed')`);
  await replication.settled();
  expect(await target.query<{ n: number }>(spoilt)).toEqual([{ n: 1 }]); // it still pauses
  await at.signal('resume', 'resume-snapshot', {});
  await eventually(async () => (await target.query<{ n: number }>(spoilt))[0]?.n === 0, 'the copy');
  expect(facts().filter((fact) => fact.startsWith('copy'))).toHaveLength(1);
});

test('who asks while it streams is answered when the request stands in the log', async () => {
  await using at = await world('ask');
  const { target, replication, feed } = at;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await target.query(
    /* sql */ `update t set v = 'spoilt'; delete from t where id = 9; insert into t values (999, 'ghost')`,
  );
  const { signal } = new AbortController();
  const raw = { id: undefined, type: 'execute-snapshot', place: 'rest:1' };
  await expect(feed.ask({ ...raw, data: collections('public.x') }, signal)).rejects.toThrow('names no captured table');
  await feed.ask({ ...raw, data: { ...collections('public.t'), type: 'blocking' } }, signal);
  await eventually(async () => (await target.query(`select from t where v = 'first'`)).length === 300, 'the copy');
  await replication.settled();
  expect(await replication.expectEqual('t', 'u')).toBe(320);
});
