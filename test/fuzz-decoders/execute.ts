import { getHeapStatistics } from 'node:v8';
import { describeError } from '../../src/errors.ts';
import { isRefusal, type Target, usualBytes } from './target.ts';

/** What went wrong with an input: something else than a refusal was thrown, more memory was taken than it may cost, or it never ended. */
export interface Failure {
  readonly kind: 'crash' | 'memory' | 'hang' | 'corpus';
  readonly what: string;
}

/** How an input ended. */
export type Outcome = 'decoded' | 'refused' | Failure;

/** Runs one input. What never ends never returns: whoever asks has to watch. */
export async function execute(target: Target, input: Buffer): Promise<Outcome> {
  const before = takenBytes();
  let outcome: Outcome = 'decoded';
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
  } catch (error) {
    outcome = isRefusal(error, target.refusal) ? 'refused' : { kind: 'crash', what: told(error) };
  }
  if (typeof outcome === 'object') return outcome;
  const taken = takenBytes() - before;
  const most = (target.mostBytes ?? usualBytes)(input.length);
  return taken <= most
    ? outcome
    : { kind: 'memory', what: `${taken} bytes were taken for ${input.length}, at most ${most} may be` };
}

/** Inside of the heap and outside of it, garbage included. */
function takenBytes(): number {
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return used + external;
}

function told(error: unknown): string {
  if (!(error instanceof Error)) return `Not an error was thrown: ${String(error)}`;
  const place = /^\s+at .*$/m.exec(error.stack ?? '')?.[0].trim();
  return `${error.constructor.name}: ${describeError(error).slice(0, 300)}${place === undefined ? '' : ` (${place})`}`;
}
