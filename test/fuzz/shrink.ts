import type { Scenario, Step } from './scenario.ts';

/** Runs a scenario again; true when it still goes wrong. */
export type StillFails = (scenario: Scenario) => Promise<boolean>;

type Part = 'tables' | 'rows' | 'steps';

/**
 * Leaves out as many statements as it can while the failure stays: first large parts, then single ones, until nothing more can
 * go or the time is over.
 */
export async function shrink(scenario: Scenario, stillFails: StillFails, isTimeOver: () => boolean): Promise<Scenario> {
  let smallest = scenario;
  for (let before = Number.POSITIVE_INFINITY; sizeOf(smallest) < before && !isTimeOver(); ) {
    before = sizeOf(smallest);
    for (const part of ['steps', 'rows', 'tables'] as const) {
      smallest = await shrinkPart(smallest, part, stillFails, isTimeOver);
    }
  }
  return smallest;
}

/** Number of statements, tables included. */
export function sizeOf({ tables, rows, steps }: Scenario): number {
  return tables.length + rows.length + steps.length;
}

async function shrinkPart(
  scenario: Scenario,
  part: Part,
  stillFails: StillFails,
  isTimeOver: () => boolean,
): Promise<Scenario> {
  let smallest = scenario;
  for (let size = Math.ceil(scenario[part].length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest[part].length && !isTimeOver(); ) {
      const items: readonly (string | Step)[] = smallest[part];
      const fewer = { ...smallest, [part]: [...items.slice(0, at), ...items.slice(at + size)] };
      if (await stillFails(fewer)) smallest = fewer;
      else at += size;
    }
  }
  return smallest;
}
