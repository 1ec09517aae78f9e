import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { OperatorError } from '../errors.ts';
import { failPoint } from '../failpoint.ts';
import { lockDirectory } from '../log/embedded/directory-lock.ts';
import { daemonId } from './daemon-id.ts';

/** What a daemon keeps on disk: its id, and the log when there is no Kafka. It is this process's alone until it is disposed of. */
export interface StateDirectory extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  /** The daemon's id. */
  readonly daemon: string;
}

/**
 * Locks the state directory, which is created when it does not exist: two daemons with one id would be taken for one. OperatorError when
 * another process has it, or when it cannot be used. `signal` ends the wait for a holder that cannot be looked at.
 */
export async function openStateDirectory(directory: string, signal: AbortSignal): Promise<StateDirectory> {
  const path = resolve(directory);
  await makeDirectory(path).catch((cause: unknown) => {
    throw unusable(path, cause);
  });
  const lock = await lockDirectory(path, signal, 'State directory').catch((cause: unknown) => {
    throw isSystemError(cause) ? unusable(path, cause) : cause;
  });
  try {
    failPoint('worker.state-locked');
    return { path, daemon: daemonId(path), [Symbol.asyncDispose]: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Makes a directory and what is above it. Node's own way never ends where the system says again and again that the parent is missing (/proc). */
async function makeDirectory(path: string): Promise<void> {
  const made = await mkdir(path).catch((error: NodeJS.ErrnoException) => error);
  if (made === undefined || made.code === 'EEXIST') return;
  if (made.code !== 'ENOENT' || dirname(path) === path) throw made;
  await makeDirectory(dirname(path));
  await mkdir(path);
}

function unusable(path: string, cause: unknown): OperatorError {
  return new OperatorError(`The state directory ${path} cannot be used`, {
    cause,
    advice: 'Name a directory that this user can write with --state.',
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
