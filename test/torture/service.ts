import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServiceOptions {
  /** Rowcast's compiled main.js. */
  readonly main: string;
  /** Arguments of `rowcast`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where all output goes. */
  readonly logFile: string;
}

const LINES_KEPT = 15;

/** Starts the service under test again and again; one process at a time. */
export class Service implements AsyncDisposable {
  readonly #options: ServiceOptions;
  readonly #output: WriteStream;
  #run: Run | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#output = createWriteStream(options.logFile, { flags: 'a' });
  }

  /** The process that runs now. */
  get running(): Run | undefined {
    return this.#run?.exit === undefined ? this.#run : undefined;
  }

  /** Starts the service; `failPoint` (`name:passage`) is where it kills itself. */
  start(failPoint?: string): Run {
    if (this.running) throw new Error('The service runs already');
    const { main, args, env } = this.#options;
    const child = spawn(process.execPath, [main, ...args], {
      env: { ...process.env, ...env, ...(failPoint === undefined ? {} : { ROWCAST_FAILPOINT: failPoint }) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C is for the harness, which ends the service itself
    });
    this.#output.write(`--- process ${child.pid} ${failPoint ?? ''}\n`);
    this.#run = new Run(child, failPoint, (line) => this.#output.write(`${line}\n`));
    return this.#run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const run = this.running;
    run?.kill('SIGKILL');
    await run?.exited;
    this.#output.end();
  }
}

/** One process of the service. */
export class Run {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly failPoint: string | undefined;
  readonly startedAt: number = performance.now();
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  /** A connector has given up for good: nothing will move any more. */
  gaveUp: string | undefined;
  /** It has reached its fail point. */
  reached = false;

  constructor(child: ChildProcess, failPoint: string | undefined, print: (line: string) => void) {
    this.#child = child;
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
    return this.#child.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
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
