import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startKafka } from '../../../src/servers/kafka-server.ts';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { parseAddress } from '../../../src/log/kafka/brokers.ts';
import { type KafkaLog, openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { RecordSetWriter } from '../../../src/log/record-set.ts';
import { kafkajsConnect } from '../../../src/log/kafka/kafkajs-internals.ts';
import type { KafkaSettings } from '../../../src/log/kafka/settings.ts';
import { fillDisk, mountSmallDisk } from '../../../src/torture/faults/disk-full.ts';
import { kafkaForTests, uniqueName } from '../../support/kafka.ts';
import { KafkaProxy } from '../../support/kafka-proxy.ts';
import { readOn, record, textOf, texts, writeRecord } from '../records.ts';

const signal: AbortSignal = new AbortController().signal;
const bootstrap = kafkaForTests()?.bootstrap ?? '127.0.0.1:1';

function settings(overrides: Partial<KafkaSettings> = {}): KafkaSettings {
  return { bootstrapServers: [bootstrap], clientId: 'faults', ...overrides };
}

/** A log whose connections all lead through the proxy, wherever the broker says that it listens. */
function openThrough(proxy: KafkaProxy, overrides: Partial<KafkaSettings> = {}): Promise<KafkaLog> {
  const connect = kafkajsConnect(settings(overrides));
  return openKafkaLog(settings(overrides), signal, (_, abort) =>
    connect({ host: '127.0.0.1', port: proxy.port }, abort),
  );
}

async function newTopic(log: KafkaLog): Promise<string> {
  const name = uniqueName('faults');
  await log.createTopics([{ name, partitions: 1, config: {} }], signal);
  return name;
}

async function valuesOf(log: KafkaLog, topic: string): Promise<string[]> {
  const { end } = await log.bounds(topic, 0, signal);
  return (await readOn(log, { topic, partition: 0, offset: 0 }, end)).map(textOf);
}

describe.skipIf(kafkaForTests() === undefined)('a publish on a real broker', () => {
  test.each(['drop', 'break'] as const)('is not repeated when its answer is lost (%s)', async (fate) => {
    const { host, port } = parseAddress(bootstrap);
    await using proxy = await KafkaProxy.start(host, port);
    await using log = await openThrough(proxy, { requestTimeoutMs: 500 });
    const topic = await newTopic(log);
    await log.publish([texts(topic, 0, ['first'])], undefined, signal);
    proxy.fate = (produce) => (produce === 2 ? fate : 'pass');
    const publishing = log.publish([texts(topic, 0, ['second'])], () => [texts(topic, 0, ['checkpoint'])], signal);
    await expect(publishing).rejects.toThrow(TransientError);
    expect(proxy.produced).toBe(2);
    // Unknown to the client, but stored: exactly once, without its checkpoint, and the log works on.
    expect(await valuesOf(log, topic)).toEqual(['first', 'second']);
    const { spans } = await log.publish([texts(topic, 0, ['third'])], undefined, signal);
    expect(spans).toEqual([{ topic, partition: 0, base: 2, count: 1 }]);
  });

  test('asks seldom while there is nothing to read', async () => {
    const { host, port } = parseAddress(bootstrap);
    await using proxy = await KafkaProxy.start(host, port);
    await using log = await openThrough(proxy);
    const topic = await newTopic(log);
    await log.publish([texts(topic, 0, ['read'])], undefined, signal);
    const before = proxy.requests;
    for (let read = 0; read < 4; read++) {
      const [fetched] = await log.read([{ topic, partition: 0, offset: 1 }], 1_000_000, 500, signal);
      expect(fetched).toMatchObject({ start: 0, end: 1, bytes: { length: 0 } });
    }
    // One fetch each, which the broker holds, and what is asked of the topic at first.
    expect(proxy.requests - before).toBeLessThanOrEqual(12);
  });

  test('is given up although the clock was set back meanwhile', async () => {
    const { host, port } = parseAddress(bootstrap);
    await using proxy = await KafkaProxy.start(host, port);
    await using log = await openThrough(proxy, { requestTimeoutMs: 500 });
    const topic = await newTopic(log);
    proxy.fate = () => {
      vi.setSystemTime(Date.now() - 3_600_000);
      return 'drop';
    };
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await expect(log.publish([texts(topic, 0, ['first'])], undefined, signal)).rejects.toThrow(TransientError);
    } finally {
      vi.useRealTimers();
    }
    expect(await valuesOf(log, topic)).toEqual(['first']);
  });

  test('is taken by a topic of ours though the clock is hours ahead, and elsewhere the clock is blamed', async () => {
    await using log = await openKafkaLog(settings());
    const write = async (config: Readonly<Record<string, string>>): Promise<string[]> => {
      const name = uniqueName('clock');
      await log.createTopics([{ name, partitions: 1, config }], signal);
      const writer = new RecordSetWriter(() => Date.now() + 2 * 3_600_000);
      writeRecord(writer, record('early'));
      await log.publish([{ topic: name, partition: 0, records: writer.finish() }], undefined, signal);
      return await valuesOf(log, name);
    };
    expect(await write({})).toEqual(['early']);
    const strict = { 'message.timestamp.type': 'CreateTime', 'message.timestamp.after.max.ms': '3600000' };
    await expect(write(strict)).rejects.toThrow('refuses the time that is written into its records');
  });

  test('never creates a topic by itself', async () => {
    await using log = await openKafkaLog(settings());
    const topic = uniqueName('nobody-made-this');
    await expect(log.publish([texts(topic, 0, ['a'])], undefined, signal)).rejects.toThrow(OperatorError);
    expect((await log.topics([topic], signal)).size).toBe(0);
  });

  test('is refused when the topic takes smaller batches than its own settings had said', async () => {
    await using log = await openKafkaLog(settings());
    const name = uniqueName('small');
    await log.createTopics([{ name, partitions: 1, config: { 'max.message.bytes': '500' } }], signal);
    await expect(log.publish([texts(name, 0, ['x'.repeat(1000)])], undefined, signal)).rejects.toThrow(OperatorError);
    expect(await log.bounds(name, 0, signal)).toEqual({ start: 0, end: 0 });
  });
});

describe.skipIf(kafkaForTests() === undefined)('a broker of its own', () => {
  test('goes on after a crash and a restart with the same log and the same records', async () => {
    await using kafka = await startKafka();
    await using log = await openKafkaLog(settings({ bootstrapServers: [kafka.bootstrap] }));
    const topic = await newTopic(log);
    await log.publish([texts(topic, 0, ['before'])], undefined, signal);
    kafka.kill();
    await expect(log.publish([texts(topic, 0, ['down'])], undefined, signal)).rejects.toThrow(TransientError);
    await expect(log.read([{ topic, partition: 0, offset: 1 }], 1000, 100, signal)).rejects.toThrow(TransientError);
    await kafka.restart();
    await log.publish([texts(topic, 0, ['after'])], undefined, signal);
    expect(await valuesOf(log, topic)).toEqual(['before', 'after']);
  });

  test('keeps what it had when its disk is full, and goes on with the same log when there is room', {
    timeout: 240_000,
  }, async ({ skip }) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'rowcast-full-'));
    onTestFinished(async () => await rm(directory, { recursive: true }));
    const mounting = mountSmallDisk(directory);
    await mounting.catch(({ message }: Error) => skip(message));
    await using _ = await mounting;
    await using kafka = await startKafka({ directory });
    await using log = await openKafkaLog(settings({ bootstrapServers: [kafka.bootstrap] }));
    const topic = await newTopic(log);
    await log.publish([texts(topic, 0, ['before'])], undefined, signal);
    const ballast = path.join(directory, 'ballast');
    await fillDisk(ballast);
    const large = 'x'.repeat(100_000);
    let [stored, failure]: [number, unknown] = [0, undefined];
    await expect
      .poll(async () => {
        const publishing = log.publish([texts(topic, 0, [large])], undefined, signal);
        await publishing.then(() => stored++).catch((error: unknown) => (failure = error));
        return failure;
      })
      .toBeInstanceOf(TransientError);
    await rm(ballast);
    kafka.kill(); // its only disk had failed: a broker ends then, or serves nothing until it is started anew
    await kafka.restart();
    await log.publish([texts(topic, 0, ['after'])], undefined, signal);
    const values = await valuesOf(log, topic);
    expect(values.filter((value) => value !== large)).toEqual(['before', 'after']);
    // The outcome of the write that failed is unknown: there or not, and never twice.
    expect([stored, stored + 1]).toContain(values.length - 2);
  });
});

describe('a cluster that cannot be used', () => {
  test('is looked for again when no broker answers', async () => {
    await expect(openKafkaLog(settings({ bootstrapServers: ['127.0.0.1:1'] }))).rejects.toThrow(TransientError);
  });

  test('is for a person when an address is none', async () => {
    await expect(openKafkaLog(settings({ bootstrapServers: ['no port'] }))).rejects.toThrow(OperatorError);
  });

  test('is not waited for when opening is aborted', async () => {
    const stop = AbortSignal.abort(new Error('stopped'));
    await expect(openKafkaLog(settings(), stop)).rejects.toThrow('stopped');
  });
});
