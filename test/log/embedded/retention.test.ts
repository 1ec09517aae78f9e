import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { OperatorError } from '../../../src/errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { readOn, textOf, texts } from '../records.ts';
import { newDirectory } from './directory.ts';

const signal: AbortSignal = new AbortController().signal;
const KEPT = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
const options = { segmentBytes: 1000 };

/** A log with `count` publishes of one data record and one checkpoint, about four to a segment. */
async function filledLog(directory: string, count: number): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog(directory, options);
  const spec = (name: string, config: Record<string, string>): object => ({ name, partitions: 1, config });
  await log.createTopics([spec('data', {}), spec('checkpoints', KEPT)] as never, signal);
  await publish(log, 0, count);
  return log;
}

async function publish(log: EmbeddedLog, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    const data = texts('data', 0, [`${i}`.padEnd(100)]);
    await log.publish([data], () => [texts('checkpoints', 0, [`${i}`])], signal);
  }
}

async function segmentFiles(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.log')).sort();
}

/** Asserts that the topic has exactly the records from its start on. */
async function expectWhole(log: EmbeddedLog, topic: string, start: number, end: number): Promise<void> {
  expect(await log.bounds(topic, 0, signal)).toEqual({ start, end });
  const records = await readOn(log, { topic, partition: 0, offset: start }, end - start);
  expect(records.map((each) => Number(textOf(each)))).toEqual(Array.from({ length: end - start }, (_, i) => start + i));
}

function cursor(offset: number, topic: string = 'data'): { topic: string; partition: number; offset: number } {
  return { topic, partition: 0, offset };
}

describe('Retention of the embedded log', () => {
  test('keeps everything as long as no reader has released anything', async () => {
    const directory = await newDirectory();
    await using log = await filledLog(directory, 40);
    await expectWhole(log, 'data', 0, 40);
    expect((await segmentFiles(directory)).length).toBeGreaterThan(5);
  });

  test('drops whole segments of released records and keeps every record of a kept topic', async () => {
    const directory = await newDirectory();
    await using log = await filledLog(directory, 40);
    const before = (await segmentFiles(directory)).length;
    await log.release('sink', '', [cursor(30)], signal);
    const { start } = await log.bounds('data', 0, signal);
    expect(start).toBeGreaterThan(20);
    expect(start).toBeLessThanOrEqual(30);
    await expectWhole(log, 'data', start, 40);
    await expectWhole(log, 'checkpoints', 0, 40);
    expect((await segmentFiles(directory)).length).toBeLessThan(before);
    await expect(log.read([cursor(start - 1)], 1000, 0, signal)).rejects.toThrow(OperatorError);
  });

  test('keeps what the slowest reader needs, and what a reader needs that has not said anything of a topic', async () => {
    const directory = await newDirectory();
    await using log = await filledLog(directory, 40);
    await log.release('slow', '', [cursor(3)], signal);
    await log.release('fast', '', [cursor(40)], signal);
    await expectWhole(log, 'data', 0, 40);
    await log.release('silent', '', [], signal);
    await log.release('slow', '', [cursor(40)], signal);
    await expectWhole(log, 'data', 0, 40);
    await log.forget('silent', signal);
    expect((await log.bounds('data', 0, signal)).start).toBeGreaterThan(20);
    expect(log.readers).toEqual(['slow', 'fast']);
  });

  describe('by checkpoints', () => {
    const CHECKPOINTS = 'shop.checkpoints';

    /** Records of a topic in the first segments, which nobody reads again. */
    async function quietLog(quiet: string): Promise<EmbeddedLog> {
      const log = await openEmbeddedLog(await newDirectory(), options);
      const ordinary = [quiet, 'shop.busy'].map((name) => ({ name, partitions: 1, config: {} }));
      await log.createTopics([...ordinary, { name: CHECKPOINTS, partitions: 1, config: KEPT }], signal);
      for (let i = 0; i < 40; i++) {
        const data = texts(i < 2 ? quiet : 'shop.busy', 0, [`${i}`.padEnd(100)]);
        await log.publish([data], () => [texts(CHECKPOINTS, 0, [`${i}`])], signal);
      }
      return log;
    }

    test('drops what lies before one that is released, also of a topic of which its reader says nothing', async () => {
      await using log = await quietLog('shop.quiet');
      await log.release('sink', 'shop.', [cursor(20, CHECKPOINTS)], signal);
      const { start } = await log.bounds('shop.busy', 0, signal);
      expect(start).toBeGreaterThan(8);
      expect(start).toBeLessThanOrEqual(18); // a segment has its own checkpoints: one behind it must be released
      expect(await log.bounds('shop.quiet', 0, signal)).toEqual({ start: 2, end: 2 });
      await expectWhole(log, CHECKPOINTS, 0, 40);
    });

    test('keeps what another reader needs, what one needs again, and the topics of another source', async () => {
      await using slow = await quietLog('shop.quiet');
      await slow.release('slow', 'shop.', [cursor(1, CHECKPOINTS)], signal);
      await slow.release('sink', 'shop.', [cursor(20, CHECKPOINTS)], signal);
      expect(await slow.bounds('shop.busy', 0, signal)).toEqual({ start: 0, end: 38 });
      await slow.release('sink', 'shop.', [cursor(0, CHECKPOINTS)], signal); // it was reset
      await slow.forget('slow', signal);
      expect(await slow.bounds('shop.busy', 0, signal)).toEqual({ start: 0, end: 38 });

      await using other = await quietLog('shop.eu.quiet');
      await other.createTopics([{ name: 'shop.eu.checkpoints', partitions: 1, config: KEPT }], signal);
      await other.release('sink', 'shop.', [cursor(20, CHECKPOINTS)], signal);
      expect(await other.bounds('shop.eu.quiet', 0, signal)).toEqual({ start: 0, end: 2 });
      expect(await other.bounds('shop.busy', 0, signal)).toEqual({ start: 0, end: 38 });
    });
  });

  test('counts on with dense offsets and knows its readers after everything was dropped and it was opened again', async () => {
    const directory = await newDirectory();
    const first = await filledLog(directory, 40);
    await first.release('sink', '', [cursor(40)], signal);
    const { start } = await first.bounds('data', 0, signal);
    await first[Symbol.asyncDispose]();
    await using log = await openEmbeddedLog(directory, options);
    expect(log.readers).toEqual(['sink']);
    await expectWhole(log, 'checkpoints', 0, 40);
    await expectWhole(log, 'data', start, 40);
    await publish(log, 40, 80);
    await expectWhole(log, 'checkpoints', 0, 80);
    await expectWhole(log, 'data', start, 80);
  });

  test('carries a kept topic on through many drops, and trims it', async () => {
    const directory = await newDirectory();
    await using log = await filledLog(directory, 0);
    for (let round = 1; round <= 10; round++) {
      await publish(log, (round - 1) * 20, round * 20);
      await log.release('sink', '', [cursor(round * 20)], signal);
      if (round === 5) await log.trim('checkpoints', 0, 70, signal);
      await expectWhole(log, 'checkpoints', round < 5 ? 0 : 70, round * 20);
      expect((await segmentFiles(directory)).length).toBeLessThan(12);
    }
  });

  test('frees what was trimmed without any reader', async () => {
    const directory = await newDirectory();
    await using log = await filledLog(directory, 40);
    await log.trim('data', 0, 40, signal);
    expect(await log.bounds('data', 0, signal)).toEqual({ start: 40, end: 40 });
    await expectWhole(log, 'checkpoints', 0, 40);
    expect((await segmentFiles(directory)).length).toBeLessThan(4);
  });

  test('drops under a reader that reads and a publisher that publishes, and neither notices', async () => {
    const directory = await newDirectory();
    await using log = await filledLog(directory, 40);
    const reading = readOn(log, cursor(0, 'checkpoints'), 200, 300);
    const publishing = publish(log, 40, 200);
    for (let offset = 5; offset <= 40; offset += 5) await log.release('sink', '', [cursor(offset)], signal);
    await publishing;
    expect((await reading).map((each) => Number(textOf(each)))).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });
});
