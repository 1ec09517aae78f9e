import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';

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

function readId(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function makeId(path: string): string {
  const id = randomUUID();
  writeFileSync(path, `${id}\n`, { flush: true });
  return id;
}
