import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runHarness } from '../support/command-line.ts';
import { fuzz, type Verdict } from './fuzz.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { compileProgram } from './program.ts';
import { FuzzProcess } from './child.ts';

/** How long a failing input is made smaller. */
const SHRINK_MS = 20_000;
/** More of an input is not printed. */
const SHOWN_BYTES = 4096;

/** Runs the fuzzers with a command line; returns the exit code: 0 nothing was found, 1 something was, 2 wrong usage. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  return await runHarness({ help: HELP, parse: parseOptions, run: (...all) => run(root, ...all) }, args);
}

async function run(
  root: string,
  options: Options,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'rowcast-fuzz-'));
  try {
    const program = await compileProgram(root, folder);
    if (options.input !== undefined) return await runOne(program, options, options.input, print);
    print(`seed ${options.seed}`);
    let [executions, failed] = [0, 0];
    for await (const verdict of fuzz({ ...options, program, shrinkMs: SHRINK_MS }, signal)) {
      tell(verdict, options.seed, print);
      executions += verdict.executions;
      if (verdict.failure !== undefined) failed++;
    }
    print(`${executions} executions of ${options.targets.length} targets, ${failed} failed, seed ${options.seed}`);
    return failed === 0 && !signal.aborted ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runOne(
  program: string,
  options: Options,
  input: Buffer,
  print: (line: string) => void,
): Promise<number> {
  await using child = new FuzzProcess(program, options.patienceMs);
  const { failure, decoded } = await child.request({
    target: options.targets[0] as string,
    input: input.toString('hex'),
  });
  print(failure === undefined ? (decoded > 0 ? 'decoded' : 'refused') : `${failure.kind}: ${failure.what}`);
  return failure === undefined ? 0 : 1;
}

function tell(
  { target, executions, decoded, refused, failure }: Verdict,
  seed: number,
  print: (line: string) => void,
): void {
  const sum = `${target.padEnd(22)} ${String(executions).padStart(10)} executions`;
  if (failure === undefined) {
    print(`${sum}, ${decoded} decoded, ${refused} refused`);
    return;
  }
  print(`${sum}: ${failure.kind.toUpperCase()}: ${failure.what}`);
  print(`  input  ${hex(failure.input)}`);
  print(`  shrunk ${hex(failure.shrunk)}`);
  print(`  again: npm run fuzz -- --target ${target} --seed ${seed}, or with --input and the shrunk one`);
}

function hex(bytes: Buffer): string {
  const rest = bytes.length - SHOWN_BYTES;
  return bytes.toString('hex', 0, SHOWN_BYTES) + (rest > 0 ? ` and ${rest} more bytes` : '');
}
