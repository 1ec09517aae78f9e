import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import type { Answer, Order } from './child-program.ts';
import type { Failure } from './execute.ts';
import { createJournal, readJournal } from './journal.ts';

/** What a process may keep in its heap: enough for every decoder, and little enough that one which takes without end is noticed soon. */
const HEAP_MB = 384;
/** How often it is looked at whether a process goes on. */
const LOOK_MS = 200;

/** What was answered, or how the process ended; a failure has its input. */
export interface Result extends Omit<Answer, 'input'> {
  /** Inputs that were begun. */
  readonly executions: number;
  readonly input?: Buffer;
}

/**
 * A process that runs inputs, and is killed when one of them does not end. One request at a time. After an end of its own or by force the next request
 * begins a new process.
 */
export class FuzzProcess implements AsyncDisposable {
  readonly #program: string;
  readonly #patienceMs: number;
  readonly #journal: string;
  #child: ChildProcess | undefined;

  /** `program` is the compiled child-program; an input that takes longer than `patienceMs` counts as one that does not end. */
  constructor(program: string, patienceMs: number) {
    this.#program = program;
    this.#patienceMs = patienceMs;
    this.#journal = `${program}.journal`;
  }

  async request(order: Order): Promise<Result> {
    const child = (this.#child ??= await this.#start());
    const before = readJournal(this.#journal).count;
    const ended = await this.#ending(child, order);
    const { count, input } = readJournal(this.#journal);
    const executions = count - before;
    if ('decoded' in ended) {
      const { input: told, ...answer } = ended;
      return { ...answer, executions, ...(told !== undefined && { input: Buffer.from(told, 'hex') }) };
    }
    await this[Symbol.asyncDispose]();
    return { decoded: 0, refused: 0, executions, failure: ended, input };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async #start(): Promise<ChildProcess> {
    createJournal(this.#journal);
    const child = fork(this.#program, [this.#journal], {
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      env: { ...process.env, TMPDIR: dirname(this.#program) }, // what is killed leaves its files where they are removed
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    await once(child, 'message');
    return child;
  }

  async #ending(child: ChildProcess, order: Order): Promise<Answer | Failure> {
    let said = '';
    const hear = (text: Buffer): void => void (said += text.toString());
    child.stderr?.on('data', hear);
    const over = new AbortController();
    const { signal } = over;
    const answered = once(child, 'message', { signal }).then(([answer]) => answer as Answer);
    const ended = once(child, 'close', { signal }).then(() => endOf(said));
    const stands = this.#standing(child, signal);
    child.send(order);
    try {
      return await Promise.race([answered, ended, stands]);
    } finally {
      over.abort();
      child.stderr?.off('data', hear);
      await Promise.allSettled([answered, ended, stands]);
    }
  }

  /** Settles when the process has been at one input for too long. */
  #standing(child: ChildProcess, signal: AbortSignal): Promise<Failure> {
    return new Promise((resolve, reject) => {
      let count = -1;
      let standsMs = 0;
      const look = setInterval(() => {
        const now = readJournal(this.#journal).count;
        standsMs = now === count ? standsMs + LOOK_MS : 0;
        count = now;
        if (standsMs >= this.#patienceMs && child.exitCode === null) resolve({ kind: 'hang', what: 'It does not end' });
      }, LOOK_MS);
      signal.addEventListener('abort', () => {
        clearInterval(look);
        reject(signal.reason as Error);
      });
    });
  }
}

function endOf(said: string): Failure {
  const isMemory = /heap limit|out of memory/i.test(said);
  return {
    kind: isMemory ? 'memory' : 'crash',
    what: isMemory ? `More than ${HEAP_MB} MB were taken` : `The process ended: ${said.trim().slice(0, 300)}`,
  };
}
