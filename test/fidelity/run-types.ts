import { declarations, difference, rowsOf, type RowText } from './compare.ts';
import { ENUMS_SQL, EXTENSIONS, MADE_TYPES_SQL } from './made-types.ts';
import type { Report } from './report.ts';
import type { TypeCase } from './type-case.ts';
import { keyedSql, keyedStreamSql, setupSql, streamSql, tablesOf, type TypeTables, wayOf } from './type-table.ts';
import type { World } from './world.ts';

const NO_OPERATOR_CLASS = '42704';

/** What was seen of one value: the ways on which it was equal, and where it was not. */
interface Cell {
  readonly ways: Set<string>;
  difference: string | undefined;
}

/** Sends every value of every type on every way, and reports a line per value and one per table's declarations; `under` says in which modes. */
export async function runTypes(
  world: World,
  cases: readonly TypeCase[],
  report: Report,
  under: string = '',
): Promise<void> {
  const { source, replica, version } = world;
  report.setVersion(version);
  const extensions = await prepare(world, new Set(cases.map(({ extension }) => extension)));
  const usable = cases.filter(({ extension, since = 0 }) => {
    return since <= version && (extension === undefined || extensions.has(extension));
  });
  for (const kind of cases.filter((each) => !usable.includes(each))) {
    const why = kind.extension === undefined ? `Postgres ${kind.since} has it` : `no extension ${kind.extension}`;
    report.add({ name: `type ${kind.type}${under}`, detail: why, skipped: true });
  }
  const all = usable.map((kind, i) => tablesOf(kind, i, version));
  for (const tables of all) {
    await source.query(setupSql(tables)).catch((error: unknown) => {
      throw new Error(`Cannot prepare type ${tables.kind.type}: ${String(error)}`, { cause: error });
    });
    await createKeyed(world, tables);
  }
  const cells = new Map(
    all.map((tables) => [tables, tables.values.map((): Cell => ({ ways: new Set(), difference: undefined }))]),
  );
  world.start();
  await world.settled();
  for (let stage = 0; ; stage++) {
    for (const [tables, found] of cells) await compareTables(world, tables, stage, found);
    if (stage === 3) break;
    for (const tables of all) {
      for (const sql of [...(streamSql(tables)[stage] ?? []), ...(keyedStreamSql(tables)[stage] ?? [])])
        await source.query(sql);
    }
    await world.settled();
  }
  for (const [tables, found] of cells) {
    for (const [j, value] of tables.values.entries()) {
      const { ways, difference: differs } = found[j] as Cell;
      const name = `type ${tables.kind.type} ${JSON.stringify(value.label)}${under}`;
      report.add({ name, detail: [...ways].join(', '), ...(differs !== undefined && { difference: differs }) });
    }
    for (const name of [tables.plain, tables.keyed, tables.keyless]) {
      if (name === undefined) continue;
      const [here, there] = [await declarations(source, name), await declarations(replica, name)];
      const differs =
        here.join('; ') === there.join('; ') ? undefined : `source ${here.join('; ')}, replica ${there.join('; ')}`;
      const role = name === tables.plain ? 'column' : name === tables.keyed ? 'key' : 'column of a table without key';
      report.add({
        name: `declaration of ${tables.kind.type} as ${role}${under}`,
        detail: here.join('; '),
        ...(differs !== undefined && { difference: differs }),
      });
    }
  }
}

/** Both sides get the types that a replica's administrator creates; the source alone gets the enums. */
async function prepare({ source, replica }: World, wanted: ReadonlySet<string | undefined>): Promise<Set<string>> {
  const { rows } = await source.query<{ name: string }>(`select name from pg_catalog.pg_available_extensions`);
  const extensions = EXTENSIONS.filter((name) => wanted.has(name) && rows.some((row) => row.name === name));
  for (const client of [source, replica]) {
    await client.query(MADE_TYPES_SQL);
    for (const name of extensions) await client.query(`create extension ${name} with schema public`);
  }
  await source.query(`create schema types; ${ENUMS_SQL}`);
  return new Set(extensions);
}

/** Types without an ordering cannot be keys. */
async function createKeyed({ source }: World, tables: TypeTables): Promise<void> {
  if (tables.keyed === undefined) return;
  try {
    await source.query(keyedSql(tables));
  } catch (error) {
    if ((error as { code?: string }).code !== NO_OPERATOR_CLASS) throw error;
    tables.keyed = undefined;
  }
}

async function compareTables(world: World, tables: TypeTables, stage: number, cells: readonly Cell[]): Promise<void> {
  const { plain, keyed, keyless } = tables;
  const numbered = (row: RowText): number => Number(row[tables.kind.arrays === false ? 0 : 1]);
  await compareBy(world, plain, numbered, (id) => wayOf(id), cells);
  const keyWays = ['key in snapshot', 'key of update', 'key of insert', 'key change'];
  const fullWays = ['without key in snapshot', 'without key', 'without key', 'without key'];
  const count = (row: RowText): number => Number(row[0]);
  if (keyed !== undefined) await compareBy(world, keyed, count, () => keyWays[stage] as string, cells);
  if (keyless !== undefined) await compareBy(world, keyless, count, () => fullWays[stage] as string, cells);
}

/** Compares the rows of one table group by group; `numberOf` tells which value a row is about. */
async function compareBy(
  { source, replica }: World,
  table: string,
  numberOf: (row: RowText) => number,
  way: (number: number) => string,
  cells: readonly Cell[],
): Promise<void> {
  const groups = new Map<string, { source: RowText[]; replica: RowText[] }>();
  const sort = (rows: readonly RowText[], side: 'source' | 'replica'): void => {
    for (const row of rows) {
      const number = numberOf(row);
      const name = `${number % 1000} ${way(number)}`;
      const group = groups.get(name) ?? { source: [], replica: [] };
      groups.set(name, group);
      group[side].push(row);
    }
  };
  sort(await rowsOf(source, { name: table }), 'source');
  sort(await rowsOf(replica, { name: table }), 'replica');
  for (const [name, group] of groups) {
    const [number, ...words] = name.split(' ');
    const cell = cells[Number(number)] as Cell;
    const differs = difference(group.source, group.replica);
    if (differs === undefined) cell.ways.add(words.join(' '));
    else cell.difference ??= `${words.join(' ')} in ${table}: ${differs}`;
  }
}
