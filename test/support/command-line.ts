import { describeError } from '../../src/errors.ts';

/** A harness's command line: how it is read, and what is done with it. */
export interface HarnessCommand<Options> {
  readonly help: string;
  /** Undefined when help was asked for. Throws what is wrong with the arguments. */
  readonly parse: (args: readonly string[]) => Options | undefined;
  /** Returns the exit code. `signal` aborts at the first SIGINT or SIGTERM. */
  readonly run: (options: Options, print: (line: string) => void, signal: AbortSignal) => Promise<number>;
}

/** Runs a harness with a command line; returns its exit code, or 2 for wrong usage. */
export async function runHarness<Options>(
  { help, parse, run }: HarnessCommand<Options>,
  args: readonly string[],
): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  let options: Options | undefined;
  try {
    options = parse(args);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n\n${help}\n`);
    return 2;
  }
  if (options === undefined) {
    print(help);
    return 0;
  }
  const stopping = new AbortController();
  const stop = (): void => stopping.abort(new DOMException('Asked to stop', 'AbortError'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await run(options, print, stopping.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** The number that an option `--name` has as text. Throws Error when it is none, or less than `least`. */
export function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`--${name} is a whole number, at least ${least}`);
}
