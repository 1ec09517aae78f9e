import { readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { type BuiltCommand, buildCommand, type Run } from './command.ts';

/** The command, built for a test file; each test has a temporary folder of its own, in which servers can be started. */
export interface CommandInFolder {
  readonly folder: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Run;
  /** What the command has left in the folder; unpacked programs of Postgres are for others too. */
  left(): string[];
}

export function commandInFolder(): CommandInFolder {
  let command: BuiltCommand;
  let folder: string;
  beforeAll(async () => {
    command = await buildCommand();
  });
  afterAll(() => command[Symbol.asyncDispose]());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rowcast-test-'));
    await chmod(folder, 0o755); // run by root, the servers run as somebody else
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  return {
    get folder() {
      return folder;
    },
    run: (args, env = {}) => command.run(args, { ...env, TMPDIR: folder }),
    left: () => readdirSync(folder).filter((name) => !name.startsWith('rowcast-postgres-bin-')),
  };
}
