import type pg from 'pg';
import { findRelation, lookUpRelation } from '../../postgres/catalog.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { qualified } from '../../postgres/identifier.ts';
import type { Capture } from '../source.ts';
import { type ColumnNames, findUncovered, hasSameLists, listsOf } from '../capture/capture.ts';
import { type CaptureFilter, compileFilter } from '../capture/filter.ts';
import { type PublishedTable, publishedTables } from './published-tables.ts';
import type { WalSourceSettings } from './settings.ts';

/** A source whose capture is judged; asked through `client`. */
export interface CoverageParts {
  readonly client: pg.ClientBase;
  readonly settings: WalSourceSettings;
  readonly filter: CaptureFilter;
  readonly capture: Capture;
}

/** Waits no longer than this for a table that somebody has locked. */
const LOCK_TIMEOUT_MS = 2_000;
const INSUFFICIENT_PRIVILEGE = '42501';
const UNDEFINED_TABLE = '42P01';

/**
 * Which tables with rows, and columns of such tables, these lists take in and those of `before` did not; each by name. A table that the log
 * knows (`announced`) was captured before that: it counts also without rows, because their deletion was not captured. Tables that the
 * publication does not have are not captured; `filtered` adds those without rows itself.
 */
export async function uncovered(
  { client, settings, filter, capture }: CoverageParts,
  before: Capture,
  announced: readonly NamedTable[],
): Promise<readonly UncoveredTable[]> {
  if (hasSameLists(capture, before)) return [];
  const previous = compileFilter(listsOf(before));
  const published = await publishedTables(client, settings.publicationName, filter);
  const found = new Map<string, UncoveredTable>();
  for (const { schema, name } of announced) {
    if (previous.table(schema, name) || !filter.table(schema, name)) continue;
    const isPublished = published.some((table) => table.schema === schema && table.name === name);
    const isTaken = settings.publicationAutocreateMode === 'filtered';
    if (isPublished || (isTaken && (await findRelation(client, schema, name)) !== undefined))
      found.set(`${schema}.${name}`, { schema, name, what: [`table ${schema}.${name}`] });
  }
  const tables: (PublishedTable & ColumnNames)[] = [];
  for (const each of published) tables.push(await withColumns(client, each));
  for (const { table, columns } of findUncovered(tables, previous, filter)) {
    const { schema, name } = table;
    const full = `${schema}.${name}`;
    if (found.has(full) || !(await mayHaveRows(client, table))) continue;
    const what = columns === undefined ? [`table ${full}`] : columns.map((column) => `column ${full}.${column}`);
    found.set(full, { schema, name, what });
  }
  return [...found.values()];
}

/** A table that was not captured before, or columns of it. */
export interface UncoveredTable extends NamedTable {
  /** `table s.t`, or `column s.t.c` for each. */
  readonly what: readonly string[];
}

type NamedTable = Pick<PublishedTable, 'schema' | 'name'>;

async function withColumns(client: pg.ClientBase, published: PublishedTable): Promise<PublishedTable & ColumnNames> {
  const facts = await lookUpRelation(client, published.relationId);
  const all = facts?.columns ?? [];
  const columns = published.columns ?? all.filter(({ generated }) => !generated).map(({ name }) => name);
  const key = (facts?.key ?? []).flatMap((ordinal) => all[ordinal]?.name ?? []);
  return { ...published, columns, key };
}

/** Whether the table has a row, or keeps it to itself. Throws TransientError while it is locked. */
export async function mayHaveRows(
  client: pg.ClientBase,
  { schema, name, isPartitioned }: NamedTable & Pick<PublishedTable, 'isPartitioned'>,
): Promise<boolean> {
  const table = `${isPartitioned ? '' : 'only '}${qualified(schema, name)}`;
  // One text, so one transaction of its own: the connection is shared, and nothing else may come in between.
  const sql = /* sql */ `set local lock_timeout = ${LOCK_TIMEOUT_MS}; select from ${table} limit 1`;
  try {
    const results = (await client.query(sql)) as unknown as readonly pg.QueryResult[];
    return (results.at(-1)?.rows.length ?? 0) > 0;
  } catch (error) {
    if (sqlState(error) === INSUFFICIENT_PRIVILEGE) return true;
    if (sqlState(error) === UNDEFINED_TABLE) return false; // dropped since it was listed
    throw postgresError(error, `Cannot see whether table ${schema}.${name} has rows`);
  }
}
