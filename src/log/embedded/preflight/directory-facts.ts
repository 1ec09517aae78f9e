import { constants } from 'node:fs';
import { access, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isRunning, ownIdentity, type ProcessIdentity } from '../process-identity.ts';

/** What is looked at of a directory that holds a log, or will. */
export interface DirectoryFacts {
  /** Absolute. */
  readonly path: string;
  /** The directory itself, or the nearest one above that exists: what it would be created in. */
  readonly nearest: string;
  readonly isDirectory: boolean;
  readonly isWritable: boolean;
  readonly freeBytes: number;
  /** The kind of filesystem as the system numbers it. @see https://man7.org/linux/man-pages/man2/statfs.2.html */
  readonly filesystem: number;
  /** The process that has it open; undefined when none has, `unknown` when that cannot be told from here. */
  readonly holder: { readonly pid: number; readonly host: string; readonly isRunning: true | 'unknown' } | undefined;
}

/** Looks without creating anything. Rejects with the system's error when even the parent cannot be looked at. */
export async function readDirectory(directory: string): Promise<DirectoryFacts> {
  const path = resolve(directory);
  const nearest = await existing(path);
  const isDirectory = (await stat(nearest)).isDirectory();
  const { bavail, bsize, type } = await statfs(nearest);
  return {
    path,
    nearest,
    isDirectory,
    isWritable: await access(nearest, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    ),
    freeBytes: bavail * bsize,
    filesystem: type,
    holder: isDirectory && nearest === path ? await findHolder(path) : undefined,
  };
}

async function existing(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const isThere = await stat(at).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
        throw error;
      },
    );
    if (isThere || dirname(at) === at) return at;
  }
}

/** The lock with the highest number counts (see directory-lock.ts); a released one is nobody's. */
async function findHolder(path: string): Promise<DirectoryFacts['holder']> {
  const names = await readdir(path);
  const numbers = names.map((name) => Number(/^lock-(\d+)$/.exec(name)?.[1] ?? 0));
  const highest = Math.max(0, ...numbers);
  if (highest === 0) return undefined;
  const owner = parseOwner(await readFile(join(path, `lock-${highest}`), 'utf8').catch(() => '')); // gone: released just now
  if (owner === undefined || owner.isReleased) return undefined;
  const state = await isRunning(owner, await ownIdentity());
  return state === false ? undefined : { pid: owner.pid, host: owner.host, isRunning: state };
}

function parseOwner(text: string): (ProcessIdentity & { readonly isReleased: boolean }) | undefined {
  try {
    return JSON.parse(text) as ProcessIdentity & { readonly isReleased: boolean };
  } catch {
    return undefined; // empty after a power loss: its owner is gone too
  }
}
