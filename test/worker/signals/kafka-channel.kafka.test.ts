import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { kafkaForTests, uniqueName } from '../../support/kafka.ts';
import { execute, FakeSource, Told } from './fake-source.ts';
import { listening } from './listening.ts';

const kafka = kafkaForTests();
const { signal } = new AbortController();

test.skipIf(kafka === undefined)(
  'signals that another client has written to a topic of a broker are carried out once each, from where the checkpoints say on',
  async () => {
    const topic = { topic: uniqueName('signals'), key: 'shop', pollTimeoutMs: 50 };
    const bootstrap = kafka?.bootstrap ?? '';
    await using log = await openKafkaLog({ bootstrapServers: [bootstrap], clientId: 'signals' }, signal);
    const producer = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    const send = async (...messages: { key: string; value: string | null }[]) =>
      await producer.send({ topic: topic.topic, messages });
    const told = new Told();
    const source = new FakeSource(log);
    await listening(topic, source, told, async () => {
      // The topic comes later than who listens.
      await log.createTopics([{ name: topic.topic, partitions: 1, config: {} }], signal);
      await send(
        { key: 'shop', value: execute('1', 'a') },
        { key: 'other', value: execute('2', 'b') },
        { key: '"shop"', value: execute('3', 'c') },
        { key: 'shop', value: null },
      );
      await expect.poll(() => source.topicOffset, { timeout: 30_000 }).toBe(4);
      await send({ key: 'shop', value: '{' }, { key: 'shop', value: '{"type":"stop-snapshot"}' });
      await expect.poll(() => source.topicOffset, { timeout: 30_000 }).toBe(6);
    });
    expect(source.asked.map(({ id }) => id)).toEqual(['kafka:0 1', 'kafka:2 3', 'kafka:5']);
    expect(told.lines.filter(({ fact }) => fact === 'signal is not carried out')).toHaveLength(1);

    const again = new FakeSource(log, 4); // a kill has left a checkpoint that lies before the last two
    await listening(topic, again, told, async () => {
      await expect.poll(() => again.topicOffset, { timeout: 30_000 }).toBe(6);
    });
    expect(again.asked.map(({ id }) => id)).toEqual(['kafka:5']);

    await log.trim(topic.topic, 0, 5, signal); // its beginning has expired
    const late = new FakeSource(log, 1);
    await listening(topic, late, told, async () => {
      await expect.poll(() => late.topicOffset, { timeout: 30_000 }).toBe(6);
    });
    expect(late.asked.map(({ id }) => id)).toEqual(['kafka:5']);
    await producer.disconnect();
  },
);
