import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { failPoint } from '../failpoint.ts';

/**
 * Who this daemon is, in claims: a random id that is made once per state directory and kept there. A copy of the directory is the
 * same daemon; never run two on copies.
 */
export function daemonId(stateDirectory: string): string {
  const path = join(stateDirectory, 'daemon-id');
  try {
    mkdirSync(stateDirectory, { recursive: true });
    return readId(path) ?? makeId(path);
  } catch (cause) {
    throw new OperatorError(`The state directory ${stateDirectory} cannot be used`, {
      cause,
      advice: 'Name a directory that this user can write with --state.',
    });
  }
}

/** The id of the daemon of this directory, if one has ever run there; nothing is made. */
export function knownDaemonId(stateDirectory: string): string | undefined {
  return readId(join(stateDirectory, 'daemon-id'));
}

function readId(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function makeId(path: string): string {
  const id = randomUUID();
  writeFileSync(path, `${id}\n`, { flush: true });
  failPoint('worker.id-made');
  return id;
}
