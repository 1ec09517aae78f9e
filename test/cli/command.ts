import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const root: string = join(import.meta.dirname, '..', '..');

/** Rowcast as users run it. */
export interface BuiltCommand extends AsyncDisposable {
  /** Where the program lies, as `dist` has it. */
  readonly folder: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Run;
}

export interface Run {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  /** What was printed so far. */
  readonly output: () => string;
}

/** Builds apart from `dist`, which somebody may be using, and inside the project, so that packages are found. */
export async function buildCommand(): Promise<BuiltCommand> {
  const built = join(root, '.cache', `cli-test-${process.pid}`);
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(tsc, ['-p', join(root, 'tsconfig.build.json'), '--outDir', built]);
  const running = new Set<ChildProcess>();
  return {
    folder: built,
    run(args, env = {}) {
      const run = start([join(built, 'main.js'), ...args], env);
      running.add(run.process);
      run.process.once('close', () => running.delete(run.process));
      return run;
    },
    async [Symbol.asyncDispose]() {
      for (const left of running) left.kill('SIGKILL'); // of a test that failed
      await rm(built, { recursive: true, force: true });
    },
  };
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): Run {
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
  return { process: child, ended, output: () => output };
}
