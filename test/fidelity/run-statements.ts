import type pg from 'pg';
import { quoteIdentifier } from '../../src/postgres/identifier.ts';
import { declarations, difference, exists, rowsOf } from './compare.ts';
import type { Report } from './report.ts';
import type { StatementCase } from './statement-case.ts';
import type { World } from './world.ts';

/** Runs the cases side by side through one pipeline and reports a line for each; `sink` says who applies them. */
export async function runStatements(
  world: World,
  cases: readonly StatementCase[],
  report: Report,
  sink: string,
): Promise<void> {
  const { source, replica, version } = world;
  report.setVersion(version);
  const usable = cases.filter(({ since = 0 }) => since <= version);
  for (const { name, since } of cases.filter((each) => !usable.includes(each))) {
    report.add({ name: `statements ${name}, ${sink}`, detail: `Postgres ${since} has them`, skipped: true });
  }
  for (const [i, { setup }] of usable.entries()) {
    await source.query(`create schema s${i}`);
    await run(source, i, setup);
  }
  await source.query("set search_path = ''");
  world.start();
  await world.settled();
  for (const [i, { replica: prepare }] of usable.entries()) if (prepare !== undefined) await run(replica, i, prepare);
  await world.restartSink();
  await replica.query("set search_path = ''");
  for (const [i, { stream }] of usable.entries()) for (const sql of stream) await run(source, i, sql);
  await source.query("set search_path = ''");
  await world.settled();
  for (const [i, each] of usable.entries()) {
    const { rows, differs } = await compareCase(world, i, each);
    const name = `statements ${each.name}, ${sink}`;
    report.add({ name, detail: `${rows} rows`, ...(differs !== undefined && { difference: differs }) });
  }
}

async function run(client: pg.Client, i: number, sql: string): Promise<void> {
  try {
    await client.query(`set search_path = s${i}, public`);
    await client.query(sql.replaceAll('$S', `s${i}`));
  } catch (error) {
    throw new Error(`Cannot run ${sql.slice(0, 300)}: ${String(error)}`, { cause: error });
  }
}

async function compareCase(
  { source, replica }: World,
  i: number,
  { tables, absent, declares }: StatementCase,
): Promise<{ rows: number; differs: string | undefined }> {
  let rows = 0;
  for (const table of tables) {
    const name = `s${i}.${table.startsWith('"') ? table : quoteIdentifier(table)}`;
    if (!(await exists(replica, name))) return { rows, differs: `the replica has no table ${name}` };
    const found = await source.query<{ only: boolean }>(
      `select relkind = 'r' as only from pg_catalog.pg_class where oid = $1::regclass`,
      [name],
    );
    const here = await rowsOf(source, { name, only: found.rows[0]?.only === true });
    const differs = difference(here, await rowsOf(replica, { name }));
    if (differs !== undefined) return { rows, differs: `${name}: ${differs}` };
    rows += here.length;
    if (declares === false) continue;
    const [wanted, got] = [await declarations(source, name), await declarations(replica, name)];
    const line = wanted.findIndex((text, n) => text !== got[n]);
    if (line >= 0) return { rows, differs: `${name} declares: source ${wanted[line]}, replica ${got[line]}` };
  }
  for (const table of absent ?? []) {
    if (await exists(replica, `s${i}.${table}`)) return { rows, differs: `the replica has ${table}` };
  }
  return { rows, differs: undefined };
}
