import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { damaged, FORMAT_VERSION, tooNew } from './format.ts';
import { failPoint } from '../../failpoint.ts';

/** Marks files that did not get their name yet; left over by a crash, they are removed at the next start. */
export const UNFINISHED = '.tmp';

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives a finished, synced file its name, durably: after a crash the name means the old content or all of the new one. */
export async function publishFile(directory: string, name: string): Promise<void> {
  failPoint('log.file-written');
  await rename(join(directory, name + UNFINISHED), join(directory, name));
  failPoint('log.file-named');
  await syncDirectory(directory);
}

/** Stores `bytes` under `name`, all or nothing. */
export async function writeFileDurably(directory: string, name: string, bytes: Buffer): Promise<void> {
  const handle = await open(join(directory, name + UNFINISHED), 'w');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await publishFile(directory, name);
}

/** Stores a state as JSON behind one line with format version and checksum, all or nothing. */
export async function writeState(directory: string, name: string, state: unknown): Promise<void> {
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
