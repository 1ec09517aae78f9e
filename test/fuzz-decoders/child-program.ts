import { openSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { Random } from '../../src/torture/random.ts';
import { execute, type Failure } from './execute.ts';
import { Journal } from './journal.ts';
import { mutateBytes } from './mutate.ts';
import { mutateJson } from './mutate-json.ts';
import { PLANTED } from './planted.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets.ts';

/** What the process is asked for: to run a target for so many executions or so long, or to run one input. */
export type Order =
  | { readonly target: string; readonly seed: number; readonly runs: number; readonly forMs: number }
  | { readonly target: string; readonly input: string };

/** What it answers. `input` is the one that went wrong. */
export interface Answer {
  readonly decoded: number;
  readonly refused: number;
  readonly failure?: Failure;
  /** As hexadecimal digits. */
  readonly input?: string;
}

/** So many inputs are run between two turns of the event loop. */
const RECENT = 16;

class Runner {
  readonly #target: Target;
  readonly #journal: Journal;
  #decoded = 0;
  #refused = 0;
  /** Since the last turn of the event loop, which is when rejections that nobody waits for are heard of. */
  #recent: Buffer[] = [];

  constructor(target: Target, journal: Journal) {
    this.#target = target;
    this.#journal = journal;
  }

  /** Runs valid inputs, which must all be taken, and then what mutations make of them. */
  async run(seed: number, runs: number, forMs: number): Promise<Answer> {
    const corpus = await this.#target.corpus();
    for (const input of corpus) {
      const failed = await this.#one(input);
      if (failed !== undefined) return failed;
      if (this.#refused > 0) return this.#answer({ kind: 'corpus', what: 'This valid input is refused' }, input);
    }
    const random = new Random(seed);
    const end = performance.now() + forMs;
    for (let i = 0; i < runs && (i % RECENT !== 0 || performance.now() < end); i++) {
      const failed = (await this.#one(this.#mutated(corpus, random))) ?? (i % RECENT === 0 && (await this.#rejected()));
      if (failed) return failed;
    }
    return (await this.#rejected()) ?? this.#answer();
  }

  /** Runs one input, and hears what it leaves behind. The corpus is made first: some targets need what it is made with. */
  async one(input: Buffer): Promise<Answer> {
    await this.#target.corpus();
    return (await this.#one(input)) ?? (await this.#rejected()) ?? this.#answer();
  }

  /** Which of the recent inputs made a promise that was rejected and that nobody waits for. */
  async #rejected(): Promise<Answer | undefined> {
    const recent = this.#recent;
    this.#recent = [];
    if ((await rejection()) === undefined) return undefined;
    for (const input of recent) {
      await this.#one(input);
      const what = await rejection();
      if (what !== undefined) return this.#answer({ kind: 'crash', what }, input);
    }
    throw new Error('A promise was rejected that nobody waits for, and no input does it again');
  }

  async #one(input: Buffer): Promise<Answer | undefined> {
    this.#journal.begin(input);
    const outcome = await execute(this.#target, input);
    if (typeof outcome === 'object') return this.#answer(outcome, input);
    if (outcome === 'decoded') this.#decoded++;
    else this.#refused++;
    this.#recent.push(input);
    return undefined;
  }

  #answer(failure?: Failure, input?: Buffer): Answer {
    return {
      decoded: this.#decoded,
      refused: this.#refused,
      ...(failure && { failure }),
      ...(input && { input: input.toString('hex') }),
    };
  }

  #mutated(corpus: readonly Buffer[], random: Random): Buffer {
    const { json, mutate, mend } = this.#target;
    const base = random.pick(corpus);
    let input: Buffer;
    if (mutate && random.chance(1 / 3)) input = mutate(Buffer.from(base), random);
    else if (json && random.chance(0.6)) input = mutateJson(base, random, json.prefix, corpus);
    else input = mutateBytes(base, random, corpus);
    return mend && random.chance(0.8) ? mend(input) : input;
  }
}

let unheard: string | undefined;

/** A rejection that nobody waits for, since it was asked last. */
async function rejection(): Promise<string | undefined> {
  await turn();
  const told = unheard;
  unheard = undefined;
  return told;
}

async function carryOut(order: Order, journal: Journal): Promise<Answer> {
  const target = [...TARGETS, ...PLANTED].find(({ name }) => name === order.target);
  if (target === undefined) throw new Error(`There is no target ${order.target}`);
  const runner = new Runner(target, journal);
  if ('input' in order) return await runner.one(Buffer.from(order.input, 'hex'));
  return await runner.run(order.seed, order.runs, order.forMs);
}

const [file = ''] = process.argv.slice(2);
const journal = new Journal(openSync(file, 'r+'));
process.on('unhandledRejection', (error) => {
  unheard = `Nobody waits for a promise that was rejected: ${String(error)}`;
});
process.on('message', (order: Order) => {
  carryOut(order, journal).then(
    (answer) => process.send?.(answer),
    (error: unknown) =>
      process.send?.({
        decoded: 0,
        refused: 0,
        failure: { kind: 'corpus', what: String(error) },
        input: '',
      } satisfies Answer),
  );
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
