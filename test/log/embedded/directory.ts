import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** An empty directory of its own, deleted at the end of the test file. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-log-'));
  afterAll(async () => await rm(directory, { recursive: true, force: true }));
  return directory;
}
