import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { snapshotKill } from './snapshot-kill.ts';

const HELP = `Kills Rowcast in the middle of a first copy, and proves that it goes on at its chunk.

npm run snapshot:kill -- [options]
  --rows N      rows of the table that is copied (5000000)
  --kills N     how often it is killed (3)
  --threads N   connections that copy at once (2)
  --main FILE   the service to run (dist/main.js)
  --help        this text`;

/** Runs the harness with a command line; returns the exit code: 0 equal and gone on with, 1 not, 2 wrong usage. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { rows: text, kills: text, threads: text, main: text, help: { type: 'boolean' } },
  });
  const [rows, kills, threads] = [values.rows ?? '5000000', values.kills ?? '3', values.threads ?? '2'].map(Number);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (values.help === true || !rows || !threads || kills === undefined || !Number.isInteger(rows + kills + threads)) {
    print(HELP);
    return values.help === true ? 0 : 2;
  }
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-snapshot-kill-'));
  let isRight = false;
  try {
    const service = values.main ?? join(root, 'dist', 'main.js');
    isRight = await snapshotKill({ rows, kills, threads, main: service, directory, print });
  } finally {
    if (isRight) await rm(directory, { recursive: true, force: true });
    else print(`kept: ${directory} (service.txt is what the service said)`);
  }
  return isRight ? 0 : 1;
}
