import { readFile } from 'node:fs/promises';
import type { Results } from '../measurement.ts';

/** Results of several calls as those of one, whose runs say which call they are of; throws when their machines differ. */
export function mergeResults(all: readonly Results[]): Results {
  const [first, ...others] = all;
  if (first === undefined) throw new Error('No results are named');
  const machine = ({ conditions: { processor, cores, system, versions } }: Results): string =>
    JSON.stringify([processor, cores, system, versions.node, versions.postgres]);
  if (others.some((each) => machine(each) !== machine(first)))
    throw new Error('These results are of different machines');
  const distinct = (values: readonly string[], between: string): string => [...new Set(values)].join(between);
  return {
    conditions: {
      ...first.conditions,
      command: distinct(
        all.map(({ conditions }) => conditions.command),
        '\n',
      ),
      commit: distinct(
        all.map(({ conditions }) => conditions.commit),
        ', ',
      ),
      versions: Object.assign({}, ...all.map(({ conditions }) => conditions.versions)),
    },
    repeat: Math.min(...all.map(({ repeat }) => repeat)),
    runs: all.flatMap(({ runs }, call) => runs.map((run) => ({ ...run, call }))),
  };
}

/** Reads what earlier calls have left. */
export async function readResults(files: readonly string[]): Promise<Results> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return mergeResults(texts.map((text) => JSON.parse(text) as Results));
}
