import type * as Files from 'node:fs/promises';
import { type FileHandle, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { readOn, textOf, texts } from '../records.ts';
import { newDirectory } from './directory.ts';

/** Where an owner that loses its directory is stopped: before a system call that it was about to make. */
const stops = vi.hoisted(() => new Map<string, { readonly reached: () => void; readonly goOn: Promise<void> }>());

async function passing(name: string): Promise<void> {
  const stop = stops.get(name);
  if (stop === undefined) return;
  stops.delete(name);
  stop.reached();
  await stop.goOn;
}

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof Files>();
  const open: typeof fs.open = async (path, ...rest) => {
    await passing(`open ${basename(path as string)}`);
    return await fs.open(path, ...rest);
  };
  const rename: typeof fs.rename = async (from, to) => {
    await passing(`rename ${basename(to as string)}`);
    await fs.rename(from, to);
  };
  return { ...fs, open, rename };
});

const SIGNAL: AbortSignal = new AbortController().signal;

/** What the owner was about to do, and the call at which it is stopped. */
const WORKS: readonly (readonly [call: string, work: (log: EmbeddedLog) => Promise<unknown>])[] = [
  ['writev', (log) => log.publish([texts('data', 0, ['of the zombie'])], undefined, SIGNAL)],
  ['rename segment-000000000003.log', (log) => log.publish([texts('data', 0, ['of the zombie'])], undefined, SIGNAL)],
  ['open catalog.json.1.tmp', (log) => log.createTopics([{ name: 'theirs', partitions: 1, config: {} }], SIGNAL)],
  ['rename catalog.json', (log) => log.createTopics([{ name: 'theirs', partitions: 1, config: {} }], SIGNAL)],
  ['rename releases.json', (log) => log.release('zombie', '', [{ topic: 'data', partition: 0, offset: 1 }], SIGNAL)],
];

/** A log that rolls with each publish. Its owner shows itself no more, as if it were stopped in another container. */
async function unseenLog(directory: string): Promise<EmbeddedLog> {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const log = await openEmbeddedLog(directory, { segmentBytes: 1 });
  vi.useRealTimers();
  await log.createTopics([{ name: 'data', partitions: 1, config: {} }], SIGNAL);
  await log.publish([texts('data', 0, ['before'])], undefined, SIGNAL);
  const lock = (await readdir(directory)).find((name) => name.startsWith('lock-')) as string;
  const state = JSON.parse(await readFile(join(directory, lock), 'utf8')) as object;
  await writeFile(join(directory, lock), JSON.stringify({ ...state, host: 'elsewhere' }));
  return log;
}

/** Stops whoever passes next. */
function stopAt(name: string): { readonly reached: Promise<void>; readonly goOn: () => void } {
  let goOn = (): void => {};
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  const reached = new Promise<void>((resolve) => stops.set(name, { reached: resolve, goOn: gate }));
  return { reached, goOn };
}

async function watchWrites(): Promise<void> {
  const handle = await open(import.meta.filename);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const writev = Reflect.get(prototype, 'writev') as FileHandle['writev'];
  vi.spyOn(prototype, 'writev').mockImplementation(async function (this: FileHandle, buffers, position) {
    await passing('writev');
    return await writev.call(this, buffers, position);
  });
}

async function contentOf(log: EmbeddedLog): Promise<string[]> {
  const { end } = await log.bounds('data', 0, SIGNAL);
  return (await readOn(log, { topic: 'data', partition: 0, offset: 0 }, end)).map(textOf);
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('an owner that was stopped, and goes on when the directory is another’s, changes nothing of it', async () => {
  await watchWrites();
  const zombies = [];
  for (const [call, work] of WORKS) {
    const directory = await newDirectory();
    const zombie = await unseenLog(directory);
    const { reached, goOn } = stopAt(call);
    const outcome = work(zombie).then(
      () => 'done',
      (error: unknown) => error,
    );
    await reached;
    zombies.push({ call, directory, zombie, goOn, outcome });
  }
  const takenOver = zombies.map(async ({ call, directory, zombie, goOn, outcome }) => {
    const heir = await openEmbeddedLog(directory);
    await heir.createTopics([{ name: 'ours', partitions: 1, config: {} }], SIGNAL);
    await heir.publish([texts('data', 0, ['of the heir'])], undefined, SIGNAL);
    goOn();
    expect(await outcome, call).toBeInstanceOf(TransientError);
    await zombie[Symbol.asyncDispose]();
    await heir.publish([texts('data', 0, ['of the heir too'])], undefined, SIGNAL);
    const expected = ['before', 'of the heir', 'of the heir too'];
    expect(await contentOf(heir), call).toEqual(expected);
    await heir[Symbol.asyncDispose]();

    await using again = await openEmbeddedLog(directory);
    expect(await contentOf(again), call).toEqual(expected);
    expect([...(await again.topics(['ours', 'theirs'], SIGNAL)).keys()], call).toEqual(['ours']);
    expect(again.readers, call).toEqual([]);
  });
  await Promise.all(takenOver);
});
