import { expect, test } from 'vitest';
import { EventReader } from '../../../src/cli/demo/event-reader.ts';
import type { OutboxSettings } from '../../../src/pipeline/outbox/outbox-settings.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import type { Source } from '../../../src/source/source.ts';
import { createTriggerSource } from '../../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { triggerSettings } from '../../source/trigger/trigger-fixture.ts';
import { eventually, Replication } from '../replication.ts';
import { expectOnceInOrder, OUTBOX, SCHEMA, Writers } from './outbox-world.ts';

const { signal } = new AbortController();

interface Opened {
  readonly replication: Replication;
  /** What was said of rows that were left out. */
  readonly told: readonly string[];
}

async function open(
  source: Database,
  target: Database,
  kind: 'WAL' | 'triggers',
  outbox: Partial<OutboxSettings> = {},
): Promise<Opened> {
  const told: string[] = [];
  const capture = (connection: ConnectionSettings, warn: (message: string) => void): Source =>
    createTriggerSource(triggerSettings(connection), systemClock, warn);
  const replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    loop: { outbox: { ...OUTBOX, ...outbox }, onLeftOut: (_, message) => void told.push(message) },
    ...(kind === 'triggers' && { capture }),
  });
  return { replication, told };
}

test.each(['WAL', 'triggers'] as const)(
  'events of concurrent writers arrive once and in the order of their aggregates, over restarts (%s)',
  async (kind) => {
    await using source = await freshDatabase('outbox');
    await using target = await freshDatabase('outbox_replica');
    await source.query(SCHEMA);
    const { replication, told } = await open(source, target, kind);
    await using _ = replication;
    const writers = new Writers(source);
    replication.startSink();
    let running = replication.startSource();
    await replication.settled();
    for (let round = 0; round < 3; round++) {
      await writers.write(4, 25);
      await running.stop();
      running = replication.startSource();
    }
    await writers.write(4, 25);
    await replication.settled();
    const events = await new EventReader(replication.log, 'shop', ['id', 'type']).read(0, signal);
    expectOnceInOrder(events, writers.written);
    expect(told).toEqual([]);
    await replication.expectEqual('account');
    expect(await target.query(`select from pg_class where relname = 'outbox'`)).toEqual([]);
  },
);

test('events that are there before the start are copied, and updates are left out with a word', async () => {
  await using source = await freshDatabase('outbox');
  await using target = await freshDatabase('outbox_replica');
  await source.query(SCHEMA);
  const { replication, told } = await open(source, target, 'WAL');
  await using _ = replication;
  const id = '5ad2f9f2-5d2c-4f6c-9a35-3a1c0e6f0a01';
  await source.query(`insert into outbox values ('${id}', 'order', '1', 'Counted', '{"n": 1}')`);
  replication.startSink();
  replication.startSource();
  await replication.settled();
  await source.query(`update outbox set payload = '{}'; truncate outbox; alter table outbox add more int`);
  await source.query(`insert into outbox values (gen_random_uuid(), 'order', '1', 'Counted', '{"n": 2}')`);
  await replication.settled();
  const events = await new EventReader(replication.log, 'shop', ['id', 'type']).read(0, signal);
  expect(events.map(({ value }) => value)).toEqual(['{"n": 1}', '{"n": 2}']);
  expect(events[0]).toMatchObject({ topic: 'outbox.event.order', key: '1', headers: { id, type: 'Counted' } });
  expect(told).toEqual(['left out 1 row: a row of outbox public.outbox was updated: an outbox takes inserts only']);
});

test('a row without topic stops the source, which does not say its value', async () => {
  await using source = await freshDatabase('outbox');
  await using target = await freshDatabase('outbox_replica');
  await source.query(SCHEMA);
  const strict = await open(source, target, 'WAL', { topicRegex: 'order' });
  await using first = strict.replication;
  first.startSink();
  const running = first.startSource();
  await first.settled();
  await source.query(`insert into outbox values (gen_random_uuid(), 'secret', '1', 'Counted', '{}')`);
  await eventually(() => running.failure !== undefined, 'the source to stop');
  expect(String(running.failure)).toMatch(
    /A row of outbox public\.outbox has no topic: its aggregatetype does not match/,
  );
  expect(String(running.failure)).not.toContain('secret');
});
