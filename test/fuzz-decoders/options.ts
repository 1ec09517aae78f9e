import { parseArgs } from 'node:util';
import { PLANTED } from './planted.ts';
import { TARGETS } from './targets.ts';
import { wholeNumber } from '../support/command-line.ts';

/** What a run is asked for. */
export interface Options {
  readonly targets: readonly string[];
  readonly runs: number;
  readonly forMs: number;
  readonly seed: number;
  readonly patienceMs: number;
  readonly input: Buffer | undefined;
}

export const HELP: string = `Feeds every decoder that meets foreign bytes with damaged inputs: none may crash, hang, or take memory without bounds.

npm run fuzz -- [options]
  --target NAME   only this one; again for more of them
  --runs N        executions of each target (200,000)
  --seconds N     how long each target runs, instead of --runs
  --seed N        which inputs (random, printed)
  --patience N    seconds after which an input counts as one that never ends (10)
  --input HEX     run this input of the one --target
  --plant         run decoders with planted mistakes instead: each of them must be told of
  --help          this text

targets
${TARGETS.map(({ name, reads }) => `  ${name.padEnd(22)} ${reads}`).join('\n')}`;

/** Reads the command line; throws with what is wrong with it. Undefined when only help is wanted. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: 'string', multiple: true },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      patience: { type: 'string', default: '10' },
      input: { type: 'string' },
      plant: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const known = (values.plant ? PLANTED : TARGETS).map(({ name }) => name);
  for (const name of values.target ?? []) if (!known.includes(name)) throw new Error(`There is no target ${name}`);
  if (values.runs !== undefined && values.seconds !== undefined) throw new Error('Either --runs or --seconds');
  if (values.input !== undefined && values.target?.length !== 1) throw new Error('--input needs one --target');
  const { runs = values.seconds === undefined ? '200000' : undefined, seconds } = values;
  return {
    targets: values.target ?? known,
    runs: runs === undefined ? Number.MAX_SAFE_INTEGER : wholeNumber('runs', runs, 1),
    forMs: seconds === undefined ? Number.MAX_SAFE_INTEGER : wholeNumber('seconds', seconds, 1) * 1000,
    seed: wholeNumber('seed', values.seed, 0),
    patienceMs: wholeNumber('patience', values.patience, 1) * 1000,
    input: values.input === undefined ? undefined : Buffer.from(values.input, 'hex'),
  };
}
