import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAvroConverter } from '../../src/converter/avro/avro-converter.ts';
import { createLogSchemaStore } from '../../src/converter/registry/log-store.ts';
import { OperatorError } from '../../src/errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { noTimes } from '../../src/pipeline/lag.ts';
import { readHistory } from '../../src/pipeline/ledger.ts';
import { runSink } from '../../src/pipeline/sink-loop.ts';
import { runSource } from '../../src/pipeline/source-loop.ts';
import { starting } from '../../src/pipeline/stage.ts';
import { lsnToPosition, parseLsn } from '../../src/postgres/lsn.ts';
import { createPostgresSink } from '../../src/sink/postgres/postgres-sink.ts';
import { createWalSource } from '../../src/source/wal/wal-source.ts';
import { operate } from '../../src/worker/operate/operate.ts';
import { schemaTopic } from '../../src/worker/schema-topic.ts';
import { walSourceSettings } from '../../src/worker/settings.ts';
import { systemClock } from '../../src/worker/system-clock.ts';
import { eventually } from '../pipeline/replication.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { connectorFiles, operator } from '../worker/operate/operated.ts';
import { goldenState, goldenText } from './golden.ts';

const TABLES = ['customer', 'purchase', 'visit'] as const;

test('a sink goes on from the progress and the log of format 1', async () => {
  await using target = await freshDatabase('golden_target');
  await target.query(goldenText('target.sql'));
  await using log = await openEmbeddedLog(join(goldenState(), 'log'));
  await using sink = startSink(log, target);
  const expected = JSON.parse(goldenText('expected.json')) as Record<string, string[]>;
  await eventually(
    async () => (await target.query('select from public.purchase where id = 13')).length === 1,
    'the last row',
  );
  for (const table of TABLES) expect(await rowsOf(target, table), table).toEqual(expected[table]);
  expect(sink.failure()).toBeUndefined();
  const [row] = await target.query<{ version: number }>(
    `select (state->>'version')::int as version from rowcast.progress`,
  );
  expect(row?.version).toBe(1);
});

test('progress of a newer format is refused, and stays as it is', async () => {
  await using target = await freshDatabase('golden_target');
  await target.query(goldenText('target.sql'));
  await target.query(/* sql */ `update rowcast.progress set state = state || '{"version": 2}'`);
  const before = await target.query('select checkpoint_offset, state from rowcast.progress');
  await using log = await openEmbeddedLog(join(goldenState(), 'log'));
  await using sink = startSink(log, target);
  await eventually(() => sink.failure() !== undefined, 'the refusal');
  expect(sink.failure()).toBeInstanceOf(OperatorError);
  expect((sink.failure() as Error).message).toContain('has format 2, this Rowcast reads format 1');
  expect(await target.query('select checkpoint_offset, state from rowcast.progress')).toEqual(before);
});

test('a source that is reset goes on in a log of format 1, on a server that was set up anew', async () => {
  await using source = await freshDatabase('golden_source');
  await using target = await freshDatabase('golden_target');
  await source.query(goldenText('source.sql').replaceAll('begin;', '').replaceAll('commit;', ''));
  await target.query(goldenText('target.sql'));
  await using log = await openEmbeddedLog(join(goldenState(), 'log'));
  await beyond(source, await lastPosition(log));
  const files = connectorFiles(source.settings, target.settings);
  const [shop] = files;
  if (shop?.kind !== 'PostgresWalSource') throw new Error('The first file is the source');
  const abort = AbortSignal.timeout(60_000);
  const answer = await operate(operator(log, files), { kind: 'reset', connector: 'shop' }, abort);
  expect(answer.value).toMatchObject({ kind: 'reset' });

  const stop = new AbortController();
  const running = runSource(
    {
      source: createWalSource(walSourceSettings('shop', shop.config), systemClock, () => undefined),
      log,
      converter: converter(log),
      clock: systemClock,
      random: randomUUID,
      prefix: 'shop',
      // Of this daemon is the last checkpoint.
      daemon: (await readHistory(log, 'shop', (await log.bounds('shop.checkpoints', 0, abort)).end, abort)).claims[0]
        ?.claim.daemon as string,
      topics: { partitions: 1, config: {} },
      tombstones: true,
      recordBatchBytes: 1_000_000,
      memory: { incarnation: undefined, stored: undefined, takeOver: false },
      progress: {
        state: 'starting',
        stage: starting(0),
        changes: 0,
        records: 0,
        bytes: 0,
        checkpoints: 0,
        position: undefined,
        committedAt: 0,
      },
    },
    stop.signal,
  );
  await source.query(/* sql */ `insert into customer values (40, 'Dot', 'ok', null, null)`);
  await using sink = startSink(log, target);
  await eventually(
    async () => (await target.query('select from public.customer where id = 40')).length === 1,
    'the new row',
  );
  for (const table of TABLES) expect(await rowsOf(target, table), table).toEqual(await rowsOf(source, table));
  stop.abort();
  await running;
  expect(sink.failure()).toBeUndefined();
});

function converter(log: EmbeddedLog): ReturnType<typeof createAvroConverter> {
  const store = createLogSchemaStore(schemaTopic(log, () => systemClock.now()));
  return createAvroConverter(store, { version: '0', name: 'shop', database: '' }, { clock: systemClock });
}

function startSink(log: EmbeddedLog, target: Database): AsyncDisposable & { failure: () => unknown } {
  const stop = new AbortController();
  const sink = createPostgresSink({ connection: target.settings, name: 'replica', prefix: 'shop' });
  let failure: unknown;
  const ended = runSink(
    {
      sink,
      log,
      converter: converter(log),
      clock: systemClock,
      name: 'replica',
      prefix: 'shop',
      filter: { topics: [], topicsRegex: [] },
      fetchBytes: 1024 * 1024,
      chunkBytes: 1024 * 1024,
      groupRecords: 1_000,
      progress: { state: 'starting', stage: starting(0), applied: undefined, ...noTimes() },
    },
    stop.signal,
  ).catch((error: unknown) => {
    failure = error;
  });
  return {
    failure: () => failure,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      await sink[Symbol.asyncDispose]();
    },
  };
}

async function rowsOf(database: Database, table: string): Promise<string[]> {
  const rows = await database.query<{ r: string }>(`select t::text as r from public.${table} t order by 1`);
  return rows.map(({ r }) => r).sort();
}

async function lastPosition(log: EmbeddedLog): Promise<string> {
  const signal = AbortSignal.timeout(10_000);
  const { end } = await log.bounds('shop.checkpoints', 0, signal);
  return (await readHistory(log, 'shop', end, signal)).checkpoint?.position as string;
}

/** Lets the server's WAL grow beyond a position of another server's, as an upgraded one's does. */
async function beyond(database: Database, position: string): Promise<void> {
  await eventually(async () => {
    const [row] = await database.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    if (lsnToPosition(parseLsn(row?.lsn as string)) > position) return true;
    await database.query(/* sql */ `select pg_logical_emit_message(true, 'fill', 'x'); select pg_switch_wal()`);
    return false;
  }, 'WAL beyond the log');
}
