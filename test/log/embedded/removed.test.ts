import { cp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeError, OperatorError, TransientError } from '../../../src/errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { ReopeningLog } from '../../../src/worker/reopening-log.ts';
import { readOn, textOf, texts } from '../records.ts';
import { newDirectory } from './directory.ts';

const signal: AbortSignal = new AbortController().signal;
const options = { segmentBytes: 1000 };
const COUNT = 60;
const MISSING = /^Embedded log file ".*segment-\d{12}\.log" is missing/;

/** Publishes one record each, about eight to a segment: more segments than are kept open. */
async function publish(log: Pick<EmbeddedLog, 'publish'>, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await log.publish([texts('data', 0, [`${i}`.padEnd(100)])], undefined, signal);
}

async function filledLog(directory: string): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog(directory, options);
  await log.createTopics([{ name: 'data', partitions: 1, config: {} }], signal);
  await publish(log, 0, COUNT);
  return log;
}

async function readAll(log: Pick<EmbeddedLog, 'read'>, count: number): Promise<number[]> {
  const records = await readOn(log as EmbeddedLog, { topic: 'data', partition: 0, offset: 0 }, count);
  return records.map((record) => Number(textOf(record)));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

async function segments(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('segment-')).sort();
  return names.map((name) => join(directory, name));
}

/** The directory as a process leaves it that is killed now. */
async function killed(directory: string): Promise<string> {
  const copy = await newDirectory();
  await cp(directory, copy, { recursive: true, filter: (source) => !source.includes('lock-') });
  return copy;
}

describe('A segment that somebody removes', () => {
  test('is told to who reads it, and read again when it is back', async () => {
    const directory = await newDirectory();
    await using log = await filledLog(directory);
    const first = (await segments(directory))[0] as string;
    await rename(first, `${first}.away`);
    const failure: unknown = await readAll(log, COUNT).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OperatorError);
    expect(describeError(failure)).toMatch(MISSING);
    await rename(`${first}.away`, first);
    expect(await readAll(log, COUNT)).toEqual(upTo(COUNT));
  });

  test('is told to who writes it, and written on when it is back', async () => {
    const directory = await newDirectory();
    await using log = await ReopeningLog.open(async () => await openEmbeddedLog(directory));
    await log.createTopics([{ name: 'data', partitions: 1, config: {} }], signal);
    await publish(log, 0, COUNT);
    const [written] = (await segments(directory)) as [string];
    await rename(written, `${written}.away`);
    const failure: unknown = await publish(log, COUNT, COUNT + 1).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransientError);
    expect(describeError(failure)).toMatch(/could not store records.*segment-000000000001.log" is missing/);
    const again: unknown = await publish(log, COUNT, COUNT + 1).catch((error: unknown) => error);
    expect(again).toBeInstanceOf(OperatorError);
    expect(describeError(again)).toMatch(MISSING);
    await rename(`${written}.away`, written);
    expect(await log.bounds('data', 0, signal)).toEqual({ start: 0, end: COUNT + 1 }); // nobody had been able to tell
    await publish(log, COUNT + 1, COUNT + 20);
    expect(await readAll(log, COUNT + 20)).toEqual(upTo(COUNT + 20));
  });

  test('is missed by who opens the log, whichever it is, also after a kill', async () => {
    const directory = await newDirectory();
    const log = await filledLog(directory);
    const { length } = await segments(directory);
    expect(length).toBeGreaterThan(4);
    for (let i = 0; i < length; i++) {
      const copy = await killed(directory);
      await rm((await segments(copy))[i] as string);
      await expect(openEmbeddedLog(copy, options), `segment ${i + 1}`).rejects.toThrow(MISSING);
    }
    await log[Symbol.asyncDispose]();
  });

  test('is missed also when it was the only one', async () => {
    const directory = await newDirectory();
    await using log = await openEmbeddedLog(directory);
    await log.createTopics([{ name: 'data', partitions: 1, config: {} }], signal);
    await publish(log, 0, 1);
    const copy = await killed(directory);
    await rm((await segments(copy))[0] as string);
    await expect(openEmbeddedLog(copy)).rejects.toThrow(MISSING);
  });
});
