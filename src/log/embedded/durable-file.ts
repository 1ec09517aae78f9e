import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { damaged, FORMAT_VERSION, tooNew } from './format.ts';
import { failPoint } from '../../failpoint.ts';

/** Marks files that did not get their name yet; left over by a crash, they are removed at the next start. */
export const UNFINISHED = '.tmp';

/** A directory as its owner has it. */
export interface OwnedDirectory {
  readonly path: string;
  /** Of this owner: every later one has a higher number. */
  readonly number: number;
  /** Looks whether it is this owner's still; TransientError when it is not. */
  prove(): Promise<void>;
}

/** Where a file is written until it gets its name. No two owners write one file. */
export function unfinishedPath({ path, number }: OwnedDirectory, name: string): string {
  return join(path, `${name}.${number}${UNFINISHED}`);
}

/** Makes what a file holds, or the names in a directory, durable. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Gives a finished, synced file its name, durably: after a crash the name means the old content or all of the new one. An owner that was stopped
 * and has lost the directory meanwhile names nothing: the file was there when ownership was proved, so whoever takes over after that removes it.
 */
export async function publishFile(directory: OwnedDirectory, name: string): Promise<void> {
  failPoint('log.file-written');
  await directory.prove();
  await rename(unfinishedPath(directory, name), join(directory.path, name));
  failPoint('log.file-named');
  await syncPath(directory.path);
}

/** Stores `bytes` under `name`, all or nothing. */
export async function writeFileDurably(directory: OwnedDirectory, name: string, bytes: Buffer): Promise<void> {
  const handle = await open(unfinishedPath(directory, name), 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await publishFile(directory, name);
}

/** Stores a state as JSON behind one line with format version and checksum, all or nothing. */
export async function writeState(directory: OwnedDirectory, name: string, state: unknown): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(state)}\n`);
  const head = Buffer.from(`rowcast ${FORMAT_VERSION} ${crc32c(body, FORMAT_VERSION)}\n`);
  await writeFileDurably(directory, name, Buffer.concat([head, body]));
}

/**
 * Reads what `writeState` stored, undefined when there is no such file; OperatorError when it is damaged, too new, or not what `isState` says it
 * must be.
 */
export async function readState<T>(
  directory: string,
  name: string,
  isState: (value: unknown) => value is T,
): Promise<T | undefined> {
  const path = join(directory, name);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  const bodyAt = bytes.indexOf('\n') + 1;
  const [, version, checksum] = /^rowcast (\d+) (\d+)\n$/.exec(bytes.toString('latin1', 0, bodyAt)) ?? [];
  if (version !== undefined && Number(version) > FORMAT_VERSION) throw tooNew(path, Number(version));
  const body = bytes.subarray(bodyAt);
  if (version === undefined || Number(checksum) !== crc32c(body, Number(version))) throw damaged(path, 0);
  const state = parsed(body);
  if (isState(state)) return state;
  throw damaged(path, bodyAt);
}

/** Undefined for what is no JSON: somebody has written it, and its checksum too. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
