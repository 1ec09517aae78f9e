import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { type DirectoryLock, lockDirectory } from '../../../src/log/embedded/directory-lock.ts';
import { newDirectory } from './directory.ts';

async function lockFile(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => /^lock-\d+$/.test(name));
  expect(names).toHaveLength(1);
  return join(directory, names[0] as string);
}

/** Makes the lock look as if another owner had written it. */
async function pretend(directory: string, owner: object): Promise<void> {
  const path = await lockFile(directory);
  const state = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...state, isReleased: false, ...owner }));
}

describe('lockDirectory', () => {
  test('refuses a second owner, naming the directory and the process', async () => {
    const directory = await newDirectory();
    const lock = await lockDirectory(directory);
    const second = await lockDirectory(directory).catch((error: unknown) => error);
    expect(second).toBeInstanceOf(OperatorError);
    expect((second as Error).message).toContain(directory);
    expect((second as Error).message).toContain(`process ${process.pid}`);
    await lock.verify();
    await lock.release();
  });

  test('lets the next owner in after a release', async () => {
    const directory = await newDirectory();
    for (let i = 0; i < 3; i++) await (await lockDirectory(directory)).release();
    expect(await lockFile(directory)).toMatch(/lock-3$/);
  });

  test('is known to be lost as soon as there is a later one, although its file is there', async () => {
    const directory = await newDirectory();
    const lock = await lockDirectory(directory);
    await lock.prove();
    const path = await lockFile(directory);
    await cp(path, path.replace(/1$/, '2'));
    await expect(lock.prove()).rejects.toThrow(TransientError);
    await lock.release();
  });

  test('takes a lock again that could not be marked as released, and only then', async () => {
    const directory = await newDirectory();
    const lock = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toThrow(OperatorError);
    const inTheWay = `${await lockFile(directory)}.tmp`;
    await mkdir(inTheWay); // as on a disk that is full, no file can be written there
    await expect(lock.release()).rejects.toThrow();
    const again = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toThrow(OperatorError);
    await again.release();
  });

  test('takes over from a process that is gone', async () => {
    const directory = await newDirectory();
    await (await lockDirectory(directory)).release();
    const child = spawn(process.execPath, ['--eval', '']);
    await once(child, 'exit');
    await pretend(directory, { pid: child.pid });
    await (await lockDirectory(directory)).release();
  });

  test('takes over when the pid belongs to a later process', async () => {
    const directory = await newDirectory();
    await (await lockDirectory(directory)).release();
    await pretend(directory, { start: '1' });
    await (await lockDirectory(directory)).release();
  });

  test('takes over from another machine or container when its owner does not show itself any more', async () => {
    const directory = await newDirectory();
    await (await lockDirectory(directory)).release();
    await pretend(directory, { host: 'elsewhere' });
    const heir = await lockDirectory(directory);
    expect(heir.isContested).toBe(true);
    await heir.release();
    const next = await lockDirectory(directory); // the one elsewhere may still write what it has open
    expect(next.isContested).toBe(true);
    await next.settle();
    expect(next.isContested).toBe(false);
    await next.release();
    const last = await lockDirectory(directory);
    expect(last.isContested).toBe(false);
    await last.release();
  });

  test('refuses while an owner on another machine or in another container shows itself', async () => {
    const directory = await newDirectory();
    const lock = await lockDirectory(directory);
    await pretend(directory, { host: 'elsewhere' });
    await expect(lockDirectory(directory)).rejects.toThrow(OperatorError);
    await lock.release();
  });

  test('stops waiting for another owner when it is aborted', async () => {
    const directory = await newDirectory();
    await (await lockDirectory(directory)).release();
    await pretend(directory, { host: 'elsewhere' });
    const stop = new AbortController();
    const locking = lockDirectory(directory, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(locking).rejects.toThrow();
  });

  test('lets one of many in when all find the same dead owner', async () => {
    const directory = await newDirectory();
    for (let round = 0; round < 20; round++) {
      await (await lockDirectory(directory)).release();
      await pretend(directory, { start: '1' });
      const tries = await Promise.allSettled(Array.from({ length: 8 }, async () => await lockDirectory(directory)));
      const held = tries.filter((each): each is PromiseFulfilledResult<DirectoryLock> => each.status === 'fulfilled');
      expect(held).toHaveLength(1);
      await held[0]?.value.release();
    }
  });
});
