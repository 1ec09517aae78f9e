import { crc32c } from '@node-rs/crc32';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { decodeFileHeader, encodeFileHeader } from '../../../src/log/embedded/format.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { Segments } from '../../../src/log/embedded/segments.ts';
import { readOn, textOf, texts } from '../records.ts';
import { newDirectory } from './directory.ts';

const signal: AbortSignal = new AbortController().signal;
const SEGMENT = 'segment-000000000001.log';
const START = { topic: 'data', partition: 0, offset: 0 };

async function newLog(directory: string): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog(directory);
  await log.createTopics([{ name: 'data', partitions: 3, config: { 'max.message.bytes': '1000' } }], signal);
  return log;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('An embedded log', () => {
  test('is refused to a second opener, which learns the directory and the process', async () => {
    const directory = await newDirectory();
    await using log = await newLog(directory);
    const second = await openEmbeddedLog(directory).catch((error: unknown) => error);
    expect(second).toBeInstanceOf(OperatorError);
    expect((second as Error).message).toBe(
      `Embedded log "${log.directory}" is open in process ${process.pid} on ${hostname()}`,
    );
  });

  test('stores nothing when the checkpoint cannot be made', async () => {
    await using log = await newLog(await newDirectory());
    const bug = new Error('no checkpoint');
    const failing = (): never => {
      throw bug;
    };
    const publishing = log.publish([texts('data', 0, ['a'])], failing, signal);
    await expect(publishing).rejects.toBe(bug);
    expect(await log.bounds('data', 0, signal)).toEqual({ start: 0, end: 0 });
    await log.publish([texts('data', 0, ['b'])], undefined, signal);
    expect((await readOn(log, START, 1)).map(textOf)).toEqual(['b']);
  });

  test('leaves the records that it was given as they are, so that they can be given again', async () => {
    await using log = await newLog(await newDirectory());
    const append = texts('data', 0, ['same']);
    const bytes = Buffer.from(append.records.batches[0]?.bytes as Buffer);
    await log.publish([append, append], () => [append], signal);
    expect(append.records.batches[0]?.bytes.equals(bytes)).toBe(true);
    expect((await readOn(log, START, 3)).map(({ offset }) => offset)).toEqual([0, 1, 2]);
  });

  test("takes a topic's max.message.bytes for its limit", async () => {
    await using log = await newLog(await newDirectory());
    const tooLarge = log.publish([texts('data', 0, ['x'.repeat(1001)])], undefined, signal);
    await expect(tooLarge).rejects.toThrow(OperatorError);
  });

  test('refuses everything after a failed write until it is opened again, and then has whole publishes only', async () => {
    const directory = await newDirectory();
    const log = await newLog(directory);
    await log.publish([texts('data', 0, ['before'])], undefined, signal);
    const waiting = log.read([{ ...START, offset: 1 }], 1000, 3_600_000, signal).catch((error: unknown) => error);
    const commit = vi.spyOn(Segments.prototype, 'commit').mockRejectedValueOnce(new Error('EIO'));
    await expect(log.publish([texts('data', 0, ['lost'])], undefined, signal)).rejects.toThrow(TransientError);
    expect(await waiting).toBeInstanceOf(TransientError);
    await expect(log.publish([texts('data', 0, ['never'])], undefined, signal)).rejects.toThrow(TransientError);
    await expect(log.bounds('data', 0, signal)).rejects.toThrow(TransientError);
    expect(commit).toHaveBeenCalledTimes(1);
    await log[Symbol.asyncDispose]();
    await using reopened = await openEmbeddedLog(directory);
    expect((await readOn(reopened, START, 1)).map(textOf)).toEqual(['before']);
    expect(await reopened.bounds('data', 0, signal)).toEqual({ start: 0, end: 1 });
  });

  test('tells those who wait, and those who come later, that it was closed', async () => {
    const log = await newLog(await newDirectory());
    const waiting = log.read([START], 1000, 3_600_000, signal).catch((error: unknown) => error);
    await log[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    expect(await waiting).toBeInstanceOf(TransientError);
    await expect(log.topics(['data'], signal)).rejects.toThrow(TransientError);
  });

  test.each([
    ['catalog.json', '{'],
    ['catalog.json', '{"clusterId":"c"}'],
    ['catalog.json', '{"clusterId":"c","topics":[null]}'],
    ['releases.json', '[]'],
    ['releases.json', '{"mark":{"segment":1,"size":1},"trims":{},"readers":{"r":{}}}'],
  ])('refuses %s by name when somebody has written %s into it, checksum and all', async (name, body) => {
    const directory = await newDirectory();
    await (await newLog(directory))[Symbol.asyncDispose]();
    await writeFile(join(directory, name), `rowcast 1 ${crc32c(body, 1)}\n${body}`);
    await expect(openEmbeddedLog(directory)).rejects.toThrow(`${name}" is damaged`);
    await expect(openEmbeddedLog(directory)).rejects.toThrow(OperatorError);
  });

  test('refuses files of a newer version and says so', async () => {
    const directory = await newDirectory();
    await (await newLog(directory))[Symbol.asyncDispose]();
    for (const [name, at, version] of [
      [SEGMENT, 9, 2],
      ['catalog.json', 8, 0x32],
    ] as const) {
      const path = join(directory, name);
      const bytes = await readFile(path);
      const newer = Buffer.from(bytes);
      newer[at] = version;
      await writeFile(path, newer);
      const opened = await openEmbeddedLog(directory).catch((error: unknown) => error);
      expect(opened).toBeInstanceOf(OperatorError);
      expect((opened as Error).message).toContain(`"${path}" has format 2`);
      await writeFile(path, bytes);
    }
  });

  test('does not start anew over records whose catalog is gone', async () => {
    const directory = await newDirectory();
    const log = await newLog(directory);
    await log.publish([texts('data', 0, ['a'])], undefined, signal);
    await log[Symbol.asyncDispose]();
    const path = join(directory, 'catalog.json');
    const bytes = await readFile(path);
    await rm(path);
    await expect(openEmbeddedLog(directory)).rejects.toThrow(OperatorError);
    await writeFile(path, bytes);
    await using reopened = await openEmbeddedLog(directory);
    expect(await reopened.bounds('data', 0, signal)).toEqual({ start: 0, end: 1 });
  });
});

test('A file header is read as it was written', () => {
  const header = {
    kind: 'kept',
    number: 2 ** 40,
    salt: 0xffff_ffff,
    firstSequence: 2 ** 47,
    bases: new Map([
      [1, 2 ** 47],
      [0xffff_ffff, 0],
    ]),
  } as const;
  expect(decodeFileHeader(encodeFileHeader(header), 'a file')).toEqual(header);
});
