import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../../src/log/log.ts';
import { RecordSetWriter } from '../../../src/log/record-set.ts';
import { offsetBehind } from '../../../src/pipeline/signal-place.ts';
import { execute, FakeSource, Told } from './fake-source.ts';
import { listening } from './listening.ts';

const TOPIC = { topic: 'shop-signal', key: 'shop', pollTimeoutMs: 10 };
const { signal } = new AbortController();

async function send(log: Log, ...records: readonly (readonly [key: string, value: string])[]): Promise<void> {
  const writer = new RecordSetWriter(() => 0);
  for (const [key, value] of records) {
    const [k, v] = [Buffer.from(key), Buffer.from(value)];
    writer.beginRecord();
    writer.beginKey().copy(k, 0, k.length);
    writer.endKey();
    writer.beginValue().copy(v, 0, v.length);
    writer.endValue();
    writer.headers(0);
    writer.endRecord();
  }
  await log.publish([{ topic: TOPIC.topic, partition: 0, records: writer.finish() }], undefined, signal);
}

test('signals of a topic are carried out once each, from where the checkpoints say on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-signals-'));
  await using _ = { [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }) };
  await using log = await openEmbeddedLog(directory);
  const told = new Told();
  const source = new FakeSource(log);
  const ids = (): string[] => source.asked.map(({ id }) => id);
  await listening(TOPIC, source, told, async () => {
    await log.createTopics([{ name: TOPIC.topic, partitions: 1, config: {} }], signal);
    await send(log, ['shop', execute('1', 'a')], ['other', execute('2', 'b')], ['"shop"', execute('3', 'c')]);
    await expect.poll(() => source.topicOffset).toBe(3);
    await send(log, ['shop', '{'], ['shop', '{"type":"stop-snapshot"}']);
    await expect.poll(() => source.topicOffset).toBe(5);
  });
  expect(ids()).toEqual(['kafka:0 1', 'kafka:2 3', 'kafka:4']);
  expect(told.lines.filter(({ fact }) => fact === 'signal is not carried out')).toHaveLength(1);

  const again = new FakeSource(log, 3); // a kill has left a checkpoint that lies before the last two
  await listening(TOPIC, again, told, async () => await expect.poll(() => again.topicOffset).toBe(5));
  expect(again.asked.map(({ id }) => id)).toEqual(['kafka:4']);

  const renewed = new FakeSource(log, 70); // the topic was deleted and made anew
  await listening(TOPIC, renewed, told, async () => await expect.poll(() => renewed.topicOffset).toBe(5));
  expect(renewed.asked).toHaveLength(3);
});

test('a checkpoint that holds a copy lies behind the signal that asked for it', () => {
  expect(offsetBehind([])).toBe(0);
  expect(offsetBehind(['rest:1', 'source:0/5 kafka:9', 'kafka:7', 'kafka:12 my id', 'kafka:x'])).toBe(13);
});
