import { atomic } from './check/atomic.ts';
import { idle } from './check/idle.ts';
import { memory } from './check/memory.ts';
import { operations } from './check/operations.ts';
import { order } from './check/order.ts';
import { resume } from './check/resume.ts';
import { stop } from './check/stop.ts';
import { uninstall } from './check/uninstall.ts';
import { describeError } from '../errors.ts';
import type { ConformanceCheck, ConformancePlace, SourceKit } from './source-kit.ts';

export type { Source } from '../source/source.ts';
export type * from './source-kit.ts';

/** What came of one check. */
export interface CheckResult {
  readonly source: string;
  readonly property: string;
  /** What was seen. */
  readonly seen: string;
  /** What is wrong; undefined when the source keeps this part of its contract. */
  readonly error: unknown;
}

/** The whole contract of a source (src/source/source.ts): whatever captures, it passes each of these. Needs no test framework. */
export const SOURCE_CHECKS: readonly ConformanceCheck[] = [
  operations,
  order,
  atomic,
  resume,
  idle,
  memory,
  stop,
  uninstall,
];

/** Runs the checks one after another, and tells each result as it comes. Throws nothing that a check finds. */
export async function* sourceConformance(
  kit: SourceKit,
  place: ConformancePlace,
  checks: readonly ConformanceCheck[] = SOURCE_CHECKS,
): AsyncGenerator<CheckResult> {
  for (const check of checks) {
    const { property } = check;
    try {
      yield { source: kit.name, property, seen: await check.run(kit, place), error: undefined };
    } catch (error) {
      yield { source: kit.name, property, seen: describeError(error), error };
    }
  }
}
