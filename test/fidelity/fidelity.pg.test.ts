import { expect, test } from 'vitest';
import { freshDatabase } from '../support/postgres.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { MADE_TYPES } from './made-types.ts';
import { PLAIN_TYPES } from './plain-types.ts';
import { Report } from './report.ts';
import { ROW_STATEMENTS } from './row-statements.ts';
import { runStatements } from './run-statements.ts';
import { runTypes } from './run-types.ts';
import { SHAPE_STATEMENTS } from './shape-statements.ts';
import { TABLE_STATEMENTS } from './table-statements.ts';
import { openWorld, type World } from './world.ts';

/** What `npm run fidelity` runs whole, on more servers. */
const isQuick = ({ quick }: { readonly quick?: true }): boolean => quick === true;

/** Runs on two fresh databases, and returns the lines that are not equal. */
async function different(run: (world: World, report: Report) => Promise<void>): Promise<string[]> {
  await using source = await freshDatabase('fidelity');
  await using target = await freshDatabase('fidelity_replica');
  await using world = await openWorld(source.settings, target.settings);
  const lines: string[] = [];
  const report = new Report((line) => lines.push(line), KNOWN_DIFFERENCES);
  await run(world, report);
  expect(report.equal).toBeGreaterThan(10);
  return lines.filter((line) => line.startsWith('DIFFERENT'));
}

test('edge values of types arrive as they left, on every way that a row can take', { timeout: 240_000 }, async () => {
  const types = [...PLAIN_TYPES, ...MADE_TYPES].filter(isQuick);
  expect(await different((world, report) => runTypes(world, types, report))).toEqual([]);
});

test('statements of every kind leave the replica equal', { timeout: 240_000 }, async () => {
  const statements = [...ROW_STATEMENTS, ...TABLE_STATEMENTS, ...SHAPE_STATEMENTS].filter(isQuick);
  expect(await different((world, report) => runStatements(world, statements, report, 'applied'))).toEqual([]);
});
