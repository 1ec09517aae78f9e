import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runHarness } from '../support/command-line.ts';
import { snapshotKill } from './snapshot-kill.ts';

const HELP = `Kills Rowcast in the middle of a first copy, and proves that it goes on at its chunk.

npm run snapshot:kill -- [options]
  --rows N      rows of the table that is copied (5000000)
  --kills N     how often it is killed (3)
  --threads N   connections that copy at once (2)
  --main FILE   the service to run (dist/main.js)
  --help        this text`;

interface Options {
  readonly rows: number;
  readonly kills: number;
  readonly threads: number;
  readonly main?: string;
}

/** Runs the harness with a command line; returns the exit code: 0 equal and gone on with, 1 not, 2 wrong usage. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  return await runHarness(
    { help: HELP, parse, run: (options, print) => run({ main: join(root, 'dist', 'main.js'), ...options }, print) },
    args,
  );
}

function parse(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { rows: text, kills: text, threads: text, main: text, help: { type: 'boolean' } },
  });
  if (values.help === true) return undefined;
  const whole = (name: 'rows' | 'kills' | 'threads', byDefault: number, least: number): number => {
    const number = Number(values[name] ?? byDefault);
    if (!Number.isInteger(number) || number < least) {
      throw new Error(`--${name} must be a whole number, ${least} or more, not "${values[name]}"`);
    }
    return number;
  };
  return {
    rows: whole('rows', 5_000_000, 1),
    kills: whole('kills', 3, 0),
    threads: whole('threads', 2, 1),
    ...(values.main !== undefined && { main: values.main }),
  };
}

async function run(options: Options & { readonly main: string }, print: (line: string) => void): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-snapshot-kill-'));
  let isRight = false;
  try {
    isRight = await snapshotKill({ ...options, directory, print });
  } finally {
    if (isRight) await rm(directory, { recursive: true, force: true });
    else print(`kept: ${directory} (service.txt is what the service said)`);
  }
  return isRight ? 0 : 1;
}
