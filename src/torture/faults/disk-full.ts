import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { OperatorError } from '../../errors.ts';
import type { Fault } from './fault.ts';

const MEGABYTES = 256;
const BLOCK = Buffer.alloc(1024 * 1024);
/** How long nothing need be written, or be said of it. */
const UNNOTICED_MS = 20_000;
const LONGEST_MS = 4000;
const SAID = /ENOSPC|could not store|no space left/i;

/** A small disk of its own for a folder, in memory. Throws OperatorError where mounting is not allowed. */
export async function mountSmallDisk(directory: string, megabytes: number = MEGABYTES): Promise<AsyncDisposable> {
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
  } catch (cause) {
    throw new OperatorError('A disk that can be full cannot be made here', {
      cause,
      advice: 'Run as a user who may mount (root), or leave disk-full out.',
    });
  }
  return {
    async [Symbol.asyncDispose]() {
      await promisify(execFile)('umount', ['--lazy', directory]);
    },
  };
}

/** The disk of the embedded log has no room until the service has met that, and a while longer. */
export const diskFull: Fault = {
  kind: 'disk-full',
  targets: ({ log }) => (log === 'embedded' ? ['log'] : []),
  patienceMs: 120_000,
  async strike({ stage, run, random, until }) {
    let isSaid = false;
    using _ = run.listen((line) => {
      isSaid ||= SAID.test(line);
    });
    const ballast = join(stage.service.directory, 'ballast');
    await fillDisk(ballast);
    try {
      const since = performance.now();
      await until(() => isSaid || performance.now() - since > UNNOTICED_MS, 'the full disk ended the service');
      await sleep(random.below(LONGEST_MS), undefined, { signal: stage.signal });
    } finally {
      await rm(ballast, { force: true });
    }
    return isSaid;
  },
};

/** Writes to a file until its disk has no room for another byte. */
export async function fillDisk(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let size = BLOCK.length; size > 0; ) {
      try {
        await file.write(BLOCK, 0, size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    await file.close();
  }
}
