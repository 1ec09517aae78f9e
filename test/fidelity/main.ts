import { parseArgs } from 'node:util';
import type { FieldModes } from '../../src/converter/avro/modes.ts';
import { describeError } from '../../src/errors.ts';
import { connect } from '../../src/postgres/connect.ts';
import { type DatabaseMaker, hostileServer } from '../hostile/hostile-server.ts';
import { type ServerKind, servers } from '../support/postgres.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { EXTENSION_TYPES, MADE_TYPES } from './made-types.ts';
import { LARGE_TYPES, PLAIN_TYPES } from './plain-types.ts';
import { MODE_RUNS, typesOfRun } from './mode-runs.ts';
import { Report } from './report.ts';
import { ROW_STATEMENTS } from './row-statements.ts';
import { MADE_BY_THE_SINK, runMadeType } from './run-made-types.ts';
import { runStatements } from './run-statements.ts';
import { runTypes } from './run-types.ts';
import { SHAPE_STATEMENTS } from './shape-statements.ts';
import { TABLE_STATEMENTS } from './table-statements.ts';
import { openWorld, type World } from './world.ts';

const ORDINARY = 'ordinary';

const HELP = `Compares what Postgres says with what its replica says: every type, every statement, a line each.

npm run fidelity -- [options]
  --server NAME  one server only: embedded, or a version such as 15
  --part PART    types, modes, made, superuser or ordinary: types, types under modes of values that are not the default, types
                 that the sink makes, statements by who applies them
  --modes        every type that a mode is about, not the fast subset alone
  --hostile      under settings of databases that change what values and statements mean, and names that shadow Postgres's own
  --help         this text`;

/** Runs everything on every server, prints a line per case, and returns the exit code: 0 all equal, 1 not, 2 wrong usage. */
export async function main(_root: string, args: readonly string[]): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const options = {
    server: { type: 'string' },
    part: { type: 'string' },
    modes: { type: 'boolean' },
    hostile: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const wanted = servers.filter(({ name }) => values.server === undefined || name.endsWith(values.server));
  if (values.help || wanted.length === 0) {
    print(HELP);
    return values.help ? 0 : 2;
  }
  let [equal, compared, isClean] = [0, 0, true];
  for (const kind of wanted) {
    const report = new Report(print, KNOWN_DIFFERENCES);
    print(`\n${kind.name}`);
    try {
      await runOn(kind, report, values);
      if (values.part === undefined)
        for (const line of report.unseen) report.fail(line, 'is on the list and in no run');
    } catch (error) {
      isClean = false;
      print(`FAILED     ${explain(error)}`);
    }
    const { failed, known, skipped } = report;
    isClean &&= failed.length === 0 && report.equal > 0;
    equal += report.equal;
    compared += report.equal + failed.length;
    print(
      `${kind.name}: ${report.equal} equal, ${failed.length} different, ${known} known to differ, ${skipped} skipped`,
    );
  }
  print(`\n${equal} of ${compared} equal`);
  return isClean ? 0 : 1;
}

interface Wanted {
  readonly part?: string | undefined;
  readonly modes?: boolean | undefined;
  readonly hostile?: boolean | undefined;
}

async function runOn(kind: ServerKind, report: Report, { part, modes, hostile }: Wanted): Promise<void> {
  await using started = await kind.start({ max_prepared_transactions: '10', max_connections: '60' });
  const server = hostile === true ? hostileServer(started) : started;
  const types = [...PLAIN_TYPES, ...MADE_TYPES, ...EXTENSION_TYPES, ...LARGE_TYPES];
  const statements = [...ROW_STATEMENTS, ...TABLE_STATEMENTS, ...SHAPE_STATEMENTS];
  const runs: Readonly<Record<string, () => Promise<void>>> = {
    types: async () => {
      await using world = await pair(server, 'types');
      await runTypes(world, types, report);
    },
    modes: async () => {
      for (const [i, run] of MODE_RUNS.entries()) {
        await using world = await pair(server, `modes${i}`, undefined, run.modes);
        await runTypes(world, typesOfRun(run, types, modes === true), report, `, under ${run.name}`);
      }
    },
    made: async () => {
      for (const [i, made] of MADE_BY_THE_SINK.entries()) {
        await using world = await pair(server, `made${i}`);
        await runMadeType(world, made, report);
      }
    },
    superuser: async () => {
      await using world = await pair(server, 'superuser');
      await runStatements(world, statements, report, 'applied by a superuser');
    },
    ordinary: async () => {
      await using world = await pair(server, ORDINARY, ORDINARY);
      const mayRun = statements.filter(({ ordinary }) => ordinary);
      await runStatements(world, mayRun, report, 'applied by an ordinary user');
    },
  };
  for (const [name, run] of Object.entries(runs)) if (part === undefined || part === name) await run();
}

/** Two databases with a pipeline between them; with `role` the sink signs in as a role that may only create what it needs. */
async function pair(server: DatabaseMaker, name: string, role?: string, modes?: Partial<FieldModes>): Promise<World> {
  const [source, target] = [await server.createDatabase(name), await server.createDatabase(`${name}_replica`)];
  if (role === undefined) return await openWorld(source, target, target, modes);
  const client = await connect(target, 'fidelity');
  await client.query(
    `create role ${role} login password '${role}'; grant all on database ${target.database} to ${role}`,
  );
  await client.end();
  return await openWorld(source, target, { ...target, user: role, password: role });
}

function explain(error: unknown): string {
  const said = describeError(error);
  return error instanceof Error && !('advice' in error) ? `${said}\n${error.stack}` : said;
}
