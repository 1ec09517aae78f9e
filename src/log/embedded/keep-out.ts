import { constants } from 'node:fs';
import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryLock } from './directory-lock.ts';
import { type OwnedDirectory, publishFile, syncPath, UNFINISHED, unfinishedPath } from './durable-file.ts';
import { fileName, numbersIn } from './recovery.ts';

/**
 * Sees to it that nothing of owners before can change the directory any more, before anything in it is read. What they have not finished is removed, which they
 * cannot name then (see `publishFile`). One that may yet live is fenced.
 */
export async function keepOthersOut(lock: DirectoryLock): Promise<void> {
  for (const name of await readdir(lock.path))
    if (name.endsWith(UNFINISHED)) await rm(join(lock.path, name), { force: true });
  if (!lock.isContested) return;
  await fence(lock);
  await lock.settle();
}

/** The file that an owner before writes, and has open, gets a copy in its place: from here on it writes where nobody reads. */
async function fence(directory: OwnedDirectory): Promise<void> {
  const last = Math.max(0, ...(await numbersIn(directory.path)).segment);
  if (last === 0) return;
  const name = fileName('segment', last);
  const copy = unfinishedPath(directory, name);
  await copyFile(join(directory.path, name), copy, constants.COPYFILE_FICLONE);
  await syncPath(copy);
  await publishFile(directory, name);
}
