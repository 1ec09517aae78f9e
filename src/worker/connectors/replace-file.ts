import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RefusedChange } from './refused-change.ts';

/** A new file may hold a password: it is its owner's alone. */
const NEW_FILE_MODE = 0o600;

/** What says that files are not to be changed here, rather than that something is wrong. */
const NOT_HERE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'EBUSY']);

/** The text of a file; undefined when there is none that can be read. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? await readFile(path, 'utf8') : undefined;
  } catch {
    return undefined; // it is about to be replaced: what cannot be read has no form to keep
  }
}

/**
 * Writes a file whole or not at all, with the mode that it has; behind a link the file that the link leads to. RefusedChange when it cannot
 * be written: a read-only mount, for one.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  try {
    const target = await realpath(path).catch(ifMissing(path));
    const present = await stat(target).catch(ifMissing(undefined));
    const next = join(dirname(target), `.${basename(target)}.next`);
    const mode = present === undefined ? NEW_FILE_MODE : present.mode & 0o777;
    await writeWhole(next, text, mode);
    await rename(next, target);
  } catch (cause) {
    throw refused(path, 'written', cause);
  }
}

/** Removes a file, or a link to one; nothing when it is gone already. RefusedChange when it cannot be removed. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path).catch(ifMissing(undefined));
  } catch (cause) {
    throw refused(path, 'removed', cause);
  }
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.chmod(mode); // the process's mask has taken bits away
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function ifMissing<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return instead;
    throw error;
  };
}

function refused(path: string, done: string, cause: unknown): RefusedChange {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  const what = `${path} cannot be ${done} (${code})`;
  if (!NOT_HERE.has(code)) return new RefusedChange(500, what, { cause });
  return new RefusedChange(403, `${what}: change it where it comes from, and Rowcast follows`, { cause });
}
