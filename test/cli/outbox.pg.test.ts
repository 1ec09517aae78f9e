import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventReader, type SeenEvent } from '../../src/cli/demo/event-reader.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { expectOnceInOrder, SCHEMA, Writers } from '../pipeline/outbox/outbox-world.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sourceConfig, type Workplace } from './workplace.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

const ROUTER = {
  transforms: 'outbox',
  'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
  'transforms.outbox.table.include.list': 'public.outbox',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

/** Where a daemon dies: before and behind each step that a batch takes. */
const POINTS = [
  'source.batch-read:3',
  'log.data-stored:3',
  'log.checkpoint-stored:3',
  'source.before-acknowledge:3',
  'source.acknowledged:3',
];

/** The events in the log of a daemon that has ended. */
async function eventsOf({ state }: Workplace, prefix: string): Promise<readonly SeenEvent[]> {
  await using log = await openEmbeddedLog(join(state, 'log'));
  return await new EventReader(log, prefix, ['id', 'type']).read(0, AbortSignal.timeout(60_000));
}

/** Whether the source has nothing more to give. */
const DRAINED = {
  WAL: (lsn: string) =>
    `select bool_and(confirmed_flush_lsn >= '${lsn}') as done from pg_replication_slots where database = current_database()`,
  triggers: () => `select count(*) = 0 as done from rowcast.events_events`,
} as const;

test.each([
  ['WAL', {}],
  ['triggers', { 'connector.class': 'PostgresTriggerSource', 'trigger.name': 'events', 'poll.interval.ms': '50' }],
] as const)('a daemon that is killed at every step writes each event once, in order (%s)', async (by, kind) => {
  await using source = await freshDatabase('outbox');
  await source.query(SCHEMA);
  await using place = await makeWorkplace();
  const { 'slot.name': slot, 'publication.name': publication, ...common } = sourceConfig(source.settings, 'events');
  const wal = { 'slot.name': `${slot}_${source.settings.database}`, 'publication.name': publication };
  const own = 'connector.class' in kind ? kind : wal;
  await place.write('events.json', {
    name: 'events',
    config: { ...common, ...ROUTER, ...own } as Record<string, string>,
  });
  const first = place.start(command);
  await expect.poll(() => first.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
  first.process.kill('SIGKILL');
  await once(first.process, 'exit');
  const writers = new Writers(source);
  for (const point of POINTS) {
    const daemon = place.start(command, [], { ROWCAST_FAILPOINT: point });
    const over = once(daemon.process, 'exit');
    let isOver = false;
    const ended = over.then(() => {
      isOver = true;
    });
    while (!isOver) await writers.write(3, 10);
    await ended;
  }
  const last = place.start(command);
  await writers.write(3, 10);
  const [end] = await source.query<{ lsn: string }>(`select pg_current_wal_lsn()::text as lsn`);
  const isDone = async (): Promise<boolean | undefined> =>
    (await source.query<{ done: boolean }>(DRAINED[by](end?.lsn ?? '')))[0]?.done;
  await expect.poll(isDone, { timeout: 60_000 }).toBe(true);
  last.process.kill('SIGTERM');
  expect((await last.ended).code).toBe(0);
  expect(writers.written.length).toBeGreaterThan(100);
  expectOnceInOrder(await eventsOf(place, 'events'), writers.written);
});
