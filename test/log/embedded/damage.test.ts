import { cp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OperatorError } from '../../../src/errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { readOn, textOf, texts } from '../records.ts';
import { newDirectory } from './directory.ts';

const TOPIC = 'data';
const CHECKPOINTS = 'checkpoints';
const signal: AbortSignal = new AbortController().signal;

/** A small log: `publishes` commits of two records and a checkpoint each. `isClosed` says how its process ended. */
async function smallLog(publishes: number, isClosed: boolean, segmentBytes?: number): Promise<string> {
  const directory = await newDirectory();
  const log = await openEmbeddedLog(directory, segmentBytes === undefined ? {} : { segmentBytes });
  const specs = [TOPIC, CHECKPOINTS].map((name) => ({ name, partitions: 1, config: {} }));
  await log.createTopics(specs, signal);
  for (let i = 0; i < publishes; i++) {
    await log.publish([texts(TOPIC, 0, [`${2 * i}`, `${2 * i + 1}`])], () => [texts(CHECKPOINTS, 0, [`${i}`])], signal);
  }
  const copy = await newDirectory();
  if (!isClosed) await cp(directory, copy, { recursive: true, filter: (source) => !source.includes('lock-') });
  await log[Symbol.asyncDispose]();
  return isClosed ? directory : copy;
}

/** Everything in the log, which must be whole commits from the first one on; how many they are. */
async function wholeCommits(log: EmbeddedLog): Promise<number> {
  const { end } = await log.bounds(CHECKPOINTS, 0, signal);
  expect(await log.bounds(TOPIC, 0, signal)).toEqual({ start: 0, end: 2 * end });
  const data = await readOn(log, { topic: TOPIC, partition: 0, offset: 0 }, 2 * end);
  expect(data.map(textOf)).toEqual(Array.from({ length: 2 * end }, (_, i) => `${i}`));
  const checkpoints = await readOn(log, { topic: CHECKPOINTS, partition: 0, offset: 0 }, end);
  expect(checkpoints.map(textOf)).toEqual(Array.from({ length: end }, (_, i) => `${i}`));
  return end;
}

/** Opens the log and reads all of it: the whole commits it has, or the OperatorError that it ends in. */
async function outcome(directory: string): Promise<number | OperatorError> {
  try {
    await using log = await openEmbeddedLog(directory);
    return await wholeCommits(log);
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
}

/** Puts the directory back as it was, so that one directory serves thousands of damages. */
async function restored(directory: string): Promise<() => Promise<void>> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith('lock-'));
  const contents = await Promise.all(names.map(async (name) => await readFile(join(directory, name))));
  return async () => {
    for (const name of await readdir(directory)) if (!names.includes(name)) await rm(join(directory, name));
    for (const [i, name] of names.entries()) await writeFile(join(directory, name), contents[i] as Buffer);
  };
}

/** Where the frames of a file begin, its end included. */
function frameStarts(bytes: Buffer): number[] {
  const starts: number[] = [];
  for (let at = bytes.indexOf('RCFR'); at >= 0; at = bytes.indexOf('RCFR', at + 1)) starts.push(at);
  return [...starts, bytes.length];
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ (1 << bit);
  return copy;
}

const SEGMENT = 'segment-000000000001.log';
const COMMITS = 3;

describe('A log whose process was killed', { timeout: 180_000 }, () => {
  test('is cut to whole commits, wherever its file ends, and can be written on', async () => {
    const directory = await smallLog(COMMITS, false);
    const path = join(directory, SEGMENT);
    const restore = await restored(directory);
    const starts = frameStarts(await readFile(path));
    expect(starts).toHaveLength(COMMITS + 1);
    for (let size = starts[0] as number; size <= (starts.at(-1) as number); size++) {
      await restore();
      await truncate(path, size);
      const whole = starts.filter((start) => start <= size).length - 1;
      expect(await outcome(directory), `cut to ${size}`).toBe(whole);
      await using log = await openEmbeddedLog(directory);
      const appended = [texts(TOPIC, 0, [`${2 * whole}`, `${2 * whole + 1}`])];
      await log.publish(appended, () => [texts(CHECKPOINTS, 0, [`${whole}`])], signal);
      expect(await wholeCommits(log)).toBe(whole + 1);
    }
  });

  test('is cut to whole commits when its last one ends in zeros or in garbage', async () => {
    const directory = await smallLog(COMMITS, false);
    const path = join(directory, SEGMENT);
    const restore = await restored(directory);
    const bytes = await readFile(path);
    const starts = frameStarts(bytes);
    const last = starts.at(-2) as number;
    for (let from = last; from < bytes.length; from++) {
      for (const fill of [0, from % 2 === 0 ? 0xff : 'RCFR']) {
        await restore();
        const torn = Buffer.from(bytes);
        torn.fill(fill, from);
        // What is torn may also be longer: a file system may have given the commit its blocks already.
        await writeFile(path, Buffer.concat([torn, Buffer.alloc(from % 3, fill)]));
        const whole = torn.equals(bytes) ? COMMITS : COMMITS - 1;
        expect(await outcome(directory), `${fill} from ${from}`).toBe(whole);
      }
    }
  });

  test('names the damage, or loses nothing but its last commit, whichever bit is wrong', async () => {
    const directory = await smallLog(COMMITS, false);
    const path = join(directory, SEGMENT);
    const restore = await restored(directory);
    const bytes = await readFile(path);
    const last = frameStarts(bytes).at(-2) as number;
    for (let at = 0; at < bytes.length; at++) {
      await restore();
      await writeFile(path, flipped(bytes, at, at % 8));
      const found = await outcome(directory);
      if (at >= last) expect(found, `bit at ${at}`).toBe(COMMITS - 1);
      else expect((found as Error).message, `bit at ${at}`).toContain(path);
    }
  });

  test('says where the damage begins', async () => {
    const directory = await smallLog(COMMITS, false);
    const path = join(directory, SEGMENT);
    const bytes = await readFile(path);
    const second = frameStarts(bytes)[1] as number;
    await writeFile(path, flipped(bytes, second + 30, 0));
    expect((await outcome(directory)) as Error).toMatchObject({
      message: `Embedded log file "${path}" is damaged at byte ${second}`,
    });
  });

  test('does not take a frame inside a record for a frame', async () => {
    const directory = await newDirectory();
    const inner = await readFile(join(await smallLog(1, false), SEGMENT));
    const log = await openEmbeddedLog(directory);
    await log.createTopics([{ name: TOPIC, partitions: 1, config: {} }], signal);
    await log.publish([texts(TOPIC, 0, [inner.toString('latin1')])], undefined, signal);
    const copy = await newDirectory();
    await cp(directory, copy, { recursive: true, filter: (source) => !source.includes('lock-') });
    await log[Symbol.asyncDispose]();
    await truncate(join(copy, SEGMENT), (await readFile(join(copy, SEGMENT))).length - 1);
    await using reopened = await openEmbeddedLog(copy);
    expect(await reopened.bounds(TOPIC, 0, signal)).toEqual({ start: 0, end: 0 });
  });
});

describe('A log that was closed', { timeout: 180_000 }, () => {
  test('names every bit that is wrong, in whichever file', async () => {
    const directory = await smallLog(COMMITS, true, 250);
    const restore = await restored(directory);
    const names = (await readdir(directory)).filter((name) => !name.startsWith('lock-'));
    expect(names.filter((name) => name.startsWith('segment-')).length).toBeGreaterThan(1);
    for (const name of names) {
      const path = join(directory, name);
      const bytes = await readFile(path);
      for (let at = 0; at < bytes.length; at++) {
        await restore();
        await writeFile(path, flipped(bytes, at, at % 8));
        expect(await outcome(directory), `${name} at ${at}`).toBeInstanceOf(OperatorError);
      }
    }
  });

  test('names every file that is too short', async () => {
    const directory = await smallLog(COMMITS, true, 250);
    const restore = await restored(directory);
    const names = (await readdir(directory)).filter((name) => name.startsWith('segment-'));
    for (const name of names) {
      const path = join(directory, name);
      const { length } = await readFile(path);
      for (let size = 0; size < length; size++) {
        await restore();
        await truncate(path, size);
        expect(await outcome(directory), `${name} cut to ${size}`).toBeInstanceOf(OperatorError);
      }
    }
  });
});
