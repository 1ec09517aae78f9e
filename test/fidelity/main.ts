import { parseArgs } from 'node:util';
import { describeError } from '../../src/errors.ts';
import { type ServerKind, servers } from '../support/postgres.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { EXTENSION_TYPES, MADE_TYPES } from './made-types.ts';
import { LARGE_TYPES, PLAIN_TYPES } from './plain-types.ts';
import { Report } from './report.ts';
import { ROW_STATEMENTS } from './row-statements.ts';
import { runStatements } from './run-statements.ts';
import { runTypes } from './run-types.ts';
import { TABLE_STATEMENTS } from './table-statements.ts';
import type { TypeCase } from './type-case.ts';
import { openWorld } from './world.ts';

/** Runs everything on every server, prints a line per case, and returns the exit code: 0 all equal, 1 not. */
export async function main(args: readonly string[]): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  let [equal, compared, isClean] = [0, 0, true];
  const { values } = parseArgs({ args: [...args], options: { server: { type: 'string' }, part: { type: 'string' } } });
  for (const kind of servers.filter(({ name }) => values.server === undefined || name.endsWith(values.server))) {
    print(`\n${kind.name}`);
    const report = new Report(print, KNOWN_DIFFERENCES);
    try {
      await runOn(kind, report, values.part);
    } catch (error) {
      isClean = false;
      print(`FAILED     ${explain(error)}`);
    }
    isClean &&= report.failed.length === 0;
    equal += report.equal;
    compared += report.equal + report.failed.length;
    print(
      `${kind.name}: ${report.equal} equal, ${report.failed.length} different, ${report.known} known, ${report.skipped} skipped`,
    );
  }
  print(`\n${equal} of ${compared} equal`);
  return isClean ? 0 : 1;
}

async function runOn(kind: ServerKind, report: Report, part: string | undefined): Promise<void> {
  await using server = await kind.start({ max_prepared_transactions: '10', max_connections: '60' });
  const types: TypeCase[] = [...PLAIN_TYPES, ...MADE_TYPES, ...EXTENSION_TYPES, ...LARGE_TYPES];
  if ((part ?? 'types') === 'types') {
    await using world = await openWorld(server, 'types');
    await runTypes(world, types, report);
  }
  const only = new RegExp(process.env['ONLY'] ?? '');
  const statements = [...ROW_STATEMENTS, ...TABLE_STATEMENTS].filter(({ name }) => only.test(name));
  if ((part ?? 'superuser') === 'superuser') {
    await using world = await openWorld(server, 'statements');
    await runStatements(world, statements, report, 'applied by a superuser');
  }
  if ((part ?? 'ordinary') === 'ordinary') {
    await using world = await openWorld(server, 'ordinary', 'ordinary');
    await runStatements(
      world,
      statements.filter(({ ordinary }) => ordinary),
      report,
      'applied by an ordinary user',
    );
  }
}

function explain(error: unknown): string {
  return error instanceof Error && !('advice' in error)
    ? `${describeError(error)}\n${error.stack}`
    : describeError(error);
}
