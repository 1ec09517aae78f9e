import { type HarnessCommand, runHarness } from '../support/command-line.ts';
import { runConformance } from './conformance.ts';
import { type ConformanceOptions, HELP, parseOptions } from './options.ts';

const command: HarnessCommand<ConformanceOptions> = { help: HELP, parse: parseOptions, run: runConformance };

/** Prints the table of sources and properties; returns 0 when all have passed, 1 when not, 2 for wrong usage. */
export async function main(_root: string, args: readonly string[]): Promise<number> {
  return await runHarness(command, args);
}
