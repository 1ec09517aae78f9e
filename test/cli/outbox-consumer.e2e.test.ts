import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { murmur2 } from '../../src/pipeline/partition.ts';
import { kafkaForTests, uniqueName } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

const kafka = kafkaForTests();

interface Event {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly id: string | undefined;
  readonly kind: string | undefined;
}

describe.skipIf(kafka === undefined)('a plain consumer of an outbox', () => {
  let command: BuiltCommand;
  beforeAll(async () => {
    command = await buildCommand();
  });
  afterAll(() => command[Symbol.asyncDispose]());

  test('gets key, value and headers as texts, and a replica gets the other tables', async () => {
    const { bootstrap } = kafka as { bootstrap: string };
    const prefix = uniqueName('outbox').toLowerCase();
    await using source = await freshDatabase('outbox');
    await using target = await freshDatabase('outbox_replica');
    await source.query(`create table item (id int primary key);
      create table outbox (id uuid primary key default gen_random_uuid(), aggregatetype text, aggregateid text, type text, payload text)`);
    await using place = await makeWorkplace();
    const router = {
      'topic.creation.default.partitions': '3',
      transforms: 'events',
      'transforms.events.type': 'io.debezium.transforms.outbox.EventRouter',
      'transforms.events.table.include.list': 'public.outbox',
      'transforms.events.route.topic.replacement': `${prefix}.of.\${routedByValue}`,
      'transforms.events.table.fields.additional.placement': 'type:header:kind',
    };
    await place.write('source.json', { name: prefix, config: sourceConfig(source.settings, prefix, router) });
    await place.write('replica.json', { name: 'replica', config: sinkConfig(target.settings, prefix) });
    const run = place.start(command, ['--bootstrap-servers', bootstrap]);
    try {
      await expect.poll(() => run.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
      await source.query(`insert into outbox (aggregatetype, aggregateid, type, payload)
        select 'order', i % 5, 'Counted', i from generate_series(1, 50) i; delete from outbox; insert into item values (1)`);
      const events = await consume(bootstrap, `${prefix}.of.order`, 50);
      expect(new Set(events.map(({ id }) => id)).size).toBe(50);
      for (let key = 0; key < 5; key++) {
        const own = events.filter((event) => event.key === String(key));
        const bytes = Buffer.from(String(key));
        const partition = (murmur2(bytes, 0, bytes.length) & 0x7fffffff) % 3;
        expect(new Set(own.map((event) => event.partition))).toEqual(new Set([partition]));
        expect(new Set(own.map(({ kind }) => kind))).toEqual(new Set(['Counted']));
        expect(own.map(({ value }) => Number(value))).toEqual(Array.from({ length: 10 }, (_, i) => 5 * i + (key || 5)));
      }
      const copied = (): Promise<unknown[]> => target.query(`select id from item`).catch(() => []);
      await expect.poll(copied, { timeout: 60_000 }).toEqual([{ id: 1 }]);
      expect(await target.query(`select from pg_class where relname = 'outbox'`)).toEqual([]);
    } finally {
      run.process.kill('SIGTERM');
    }
    expect((await run.ended).code).toBe(0);
  });
});

/** Reads `count` records from the topic's beginning. */
async function consume(bootstrap: string, topic: string, count: number): Promise<readonly Event[]> {
  const client = new Kafka({ clientId: 'plain', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await expect.poll(() => admin.listTopics(), { timeout: 60_000 }).toContain(topic);
  await admin.disconnect();
  const consumer = client.consumer({ groupId: uniqueName('plain') });
  const events: Event[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({
        partition,
        message,
      }: Parameters<NonNullable<Run['eachMessage']>>[0]): Promise<void> => {
        const { key, value, headers = {} } = message;
        const [id, kind] = [headers.id?.toString(), headers.kind?.toString()];
        events.push({ topic, partition, key: key?.toString(), value: value?.toString(), id, kind });
        if (events.length === count) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return events;
}

type Run = NonNullable<Parameters<ReturnType<Kafka['consumer']>['run']>[0]>;
