import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Environment } from '../connector/reference.ts';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServiceOptions {
  /** Rowcast's compiled main.js. */
  readonly main: string;
  /** Arguments of `rowcast`; without the state directory where `state` has it. */
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Environment;
  /** Where all output goes. */
  readonly logFile: string;
  /** Needed where another process is to take over. */
  readonly state?: ServiceState | undefined;
}

export interface ServiceState {
  readonly directory: string;
  /** The log is in the state directory: whoever takes over needs that very one. */
  readonly ownsLog: boolean;
}

/** Arguments of `unshare` for a process that counts processes for itself, and ends with the one that has started it. */
export const OF_ANOTHER_CONTAINER = ['--pid', '--fork', '--mount-proc', '--kill-child'] as const;

const LINES_KEPT = 15;

/** Starts the service under test again and again; one process at a time, but for those that are taken over from. */
export class Service implements AsyncDisposable {
  readonly #options: ServiceOptions;
  readonly #output: WriteStream;
  readonly #runs = new Set<Run>();
  #run: Run | undefined;
  #heirs = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#output = createWriteStream(options.logFile, { flags: 'a' });
  }

  /** The process that runs now. */
  get running(): Run | undefined {
    return this.#run?.exit === undefined ? this.#run : undefined;
  }

  /** The state directory of now. */
  get directory(): string {
    const { directory, ownsLog } = this.#state;
    return ownsLog || this.#heirs === 0 ? directory : `${directory}-${this.#heirs}`;
  }

  get #state(): ServiceState {
    if (this.#options.state === undefined) throw new Error('Nobody said where the state directory is');
    return this.#options.state;
  }

  /** Starts the service; `failPoint` (`name:passage`) is where it kills itself. */
  start(failPoint?: string): Run {
    if (this.running) throw new Error('The service runs already');
    return this.#start(process.execPath, [], failPoint);
  }

  /**
   * Starts a second process in the place of the one that runs, which is left as it is: as a daemon of another machine, told to take over; or, where
   * the log has to be the same one, as one that counts processes for itself, as a container does, and so cannot see the first.
   */
  takeOver(): Run {
    this.#heirs++;
    if (!this.#state.ownsLog) return this.#start(process.execPath, ['--take-over'], undefined);
    return this.#start('unshare', [], undefined, [...OF_ANOTHER_CONTAINER, process.execPath]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#runs) {
      run.kill('SIGKILL');
      await run.exited;
    }
    this.#output.end();
  }

  #start(command: string, more: readonly string[], failPoint: string | undefined, before: readonly string[] = []): Run {
    const { main, args, env, state } = this.#options;
    const where = state === undefined ? [] : ['--state', this.directory];
    const child = spawn(command, [...before, main, ...args, ...where, ...more], {
      env: { ...env, ...(failPoint === undefined ? {} : { ROWCAST_FAILPOINT: failPoint }) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C is for the harness, which ends the service itself
    });
    const name = this.#heirs === 0 ? String(child.pid) : `${child.pid}, heir ${this.#heirs}`;
    this.#output.write(`--- process ${name} ${failPoint ?? ''}\n`);
    const mark = this.#heirs === 0 ? '' : `${this.#heirs}> `;
    const run = new Run(child, before.length > 0, failPoint, (line) => this.#output.write(`${mark}${line}\n`));
    this.#runs.add(run);
    void run.exited.then(() => this.#runs.delete(run));
    this.#run = run;
    return run;
  }
}

/** One process of the service. */
export class Run {
  readonly #child: ChildProcess;
  /** The service is the child's child. */
  readonly #isWrapped: boolean;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  readonly failPoint: string | undefined;
  readonly startedAt: number = performance.now();
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  /** A connector has given up for good: nothing will move any more. */
  gaveUp: string | undefined;
  /** It has reached its fail point. */
  reached = false;

  constructor(child: ChildProcess, isWrapped: boolean, failPoint: string | undefined, print: (line: string) => void) {
    this.#child = child;
    this.#isWrapped = isWrapped;
    this.failPoint = failPoint;
    dieWithUs(child);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#read(line, print));
    }
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
  }

  /** Undefined when it could not be started. */
  get pid(): number | undefined {
    const { pid } = this.#child;
    return this.#isWrapped && pid !== undefined ? (childOf(pid) ?? pid) : pid;
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.#isWrapped || signal === 'SIGKILL') return void this.#child.kill(signal);
    if (this.exit === undefined && this.pid !== undefined) process.kill(this.pid, signal);
  }

  /** Hears each line of output from now on. */
  listen(listener: (line: string) => void): Disposable {
    this.#listeners.add(listener);
    return {
      [Symbol.dispose]: () => void this.#listeners.delete(listener),
    };
  }

  /** The last lines of output. */
  get lastWords(): string {
    return this.#lines.join('\n');
  }

  #read(line: string, print: (line: string) => void): void {
    print(line);
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    if (line.startsWith('failpoint ')) this.reached = true;
    if (line.includes('"connector failed"')) this.gaveUp = line;
    for (const listener of this.#listeners) listener(line);
  }
}

/** A process that this one has started; undefined when there is none. */
function childOf(pid: number): number | undefined {
  try {
    return (
      Number(readFileSync(join('/proc', String(pid), 'task', String(pid), 'children'), 'utf8').trim()) || undefined
    );
  } catch {
    return undefined; // it is gone
  }
}

/** A shell that waits on a pipe from us: however this process ends, the service ends too. */
function dieWithUs(child: ChildProcess): void {
  const watchdog = spawn('sh', ['-c', 'read -r _; kill -KILL "$0" 2>/dev/null', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.stdin?.on('error', () => {}); // it ended first
  watchdog.unref();
  child.once('exit', () => watchdog.kill('SIGKILL'));
}
