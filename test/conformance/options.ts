import { parseArgs } from 'node:util';
import { SOURCE_CHECKS } from '../../src/conformance/source-conformance.ts';
import { SOURCE_KITS } from './kits.ts';

export const LOGS = ['embedded', 'kafka'] as const;
export type LogName = (typeof LOGS)[number];

export interface ConformanceOptions {
  readonly logs: readonly LogName[];
  /** Names of sources. */
  readonly sources: readonly string[];
  readonly properties: readonly string[];
  readonly effort: 'short' | 'long';
}

export const HELP: string = `Lets every source pass the same suite, and prints a table: source, property, passed or not.

npm run conformance -- [options]
  --source NAME    only these: ${SOURCE_KITS.map(({ name }) => name).join(', ')}; several by commas
  --log NAME       embedded or kafka; both when absent (Kafka needs Java 17)
  --property NAME  only these: ${SOURCE_CHECKS.map(({ property }) => property).join(', ')}
  --short          as in npm test: fewer places to die at, less data
  --help           this text`;

/** Reads a command line; undefined when help was asked for. Throws what is wrong with it. */
export function parseOptions(args: readonly string[]): ConformanceOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      source: { type: 'string' },
      log: { type: 'string' },
      property: { type: 'string' },
      short: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const sources = chosen(
    'source',
    values.source,
    SOURCE_KITS.map(({ name }) => name),
  );
  const properties = chosen(
    'property',
    values.property,
    SOURCE_CHECKS.map(({ property }) => property),
  );
  const logs = chosen('log', values.log, LOGS);
  return { sources, properties, logs, effort: values.short === true ? 'short' : 'long' };
}

function chosen<T extends string>(option: string, value: string | undefined, all: readonly T[]): readonly T[] {
  if (value === undefined) return all;
  const names = value.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !all.some((each) => each === name));
  if (unknown !== undefined) throw new Error(`--${option} knows no ${unknown}: ${all.join(', ')}`);
  return all.filter((each) => names.includes(each));
}
