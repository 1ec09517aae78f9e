import type pg from 'pg';
import { qualified } from '../../src/postgres/identifier.ts';
import { catalogOf } from '../ddl/catalog.ts';
import { aloneOf, differs, isSameShape, type Shape, shapes } from './replica-equality.ts';
import type { Setting } from './scenario.ts';
import type { World } from './world.ts';

/** What a look at both sides told. */
export interface Judgement {
  readonly rows: number;
  /** What differs, for people; undefined when the replica is equal. */
  readonly problem: string | undefined;
}

/** Compares the replica with the source; `untouched` are tables that changed and of which no row could come since. */
export async function judge(
  { source, replica, replication }: World,
  { ddl, publication }: Setting,
  untouched: ReadonlySet<string>,
): Promise<Judgement> {
  const leaves = publication === 'leaves';
  const present = await shapes(replica, leaves);
  let rows = 0;
  for (const table of await shapes(source, leaves)) {
    const name = qualified(table.schema, table.name);
    const found = await source.query<{ n: number }>(`select count(*)::int as n from ${aloneOf(table)}`);
    const count = (found.rows[0] as { n: number }).n;
    rows += count;
    const other = present.find((each) => each.schema === table.schema && each.name === table.name);
    if (!isSameShape(table, present)) {
      if (!ddl && count === 0 && (other === undefined || (await isEmpty(replica, other)))) continue;
      // A table that came later and had rows is not captured, and that was said.
      const isLeftOut = replication.warnings.some((warning) => warning.includes(name));
      if (untouched.has(name) || isLeftOut) continue;
      const shown = `source  ${JSON.stringify(table.columns)}\n  replica ${JSON.stringify(other?.columns)}`;
      return { rows, problem: `table ${name} has other columns on the replica:\n  ${shown}` };
    }
    const problem = await differs(source, replica, table);
    if (problem !== undefined) return { rows, problem };
  }
  return { rows, problem: ddl ? await catalogsDiffer(source, replica) : undefined };
}

/** Everything is made while DDL is followed: so everything is there, and nothing that is gone. */
async function catalogsDiffer(source: pg.Client, replica: pg.Client): Promise<string | undefined> {
  const lines = async (client: pg.Client): Promise<string[]> => (await catalogOf(client)).map(withoutOwnDefault);
  const [here, there] = [await lines(source), await lines(replica)];
  const missing = here.filter((line) => !there.includes(line));
  const surplus = there.filter((line) => !here.includes(line));
  if (missing.length === 0 && surplus.length === 0) return undefined;
  const [kind] = ([...missing, ...surplus][0] ?? '').split(' ');
  return `catalogs differ: ${kind}\n  only on the source:\n    ${missing.join('\n    ')}\n  only on the replica:\n    ${surplus.join('\n    ')}`;
}

/** Defaults of types that somebody has made, and those with a backslash, are not replayed. */
function withoutOwnDefault(line: string): string {
  return line.replace(/ default .*(?:::(?:public|"Other)|\\).*$/s, '');
}

async function isEmpty(client: pg.Client, table: Shape): Promise<boolean> {
  return (await client.query(`select from ${aloneOf(table)} limit 1`)).rowCount === 0;
}
