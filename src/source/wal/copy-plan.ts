import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { TableSchema } from '../../change/table-schema.ts';
import { lookUpRelations, type RelationFacts } from '../../postgres/catalog.ts';
import type { SnapshotTable } from '../snapshot/chunk-sql.ts';
import { chunkRowsOf, type CopyFacts, lookUpCopyFacts } from '../snapshot/table-sizes.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import { computedColumns } from '../capture/computed.ts';
import { isDdlPublished, lastFollowed } from './ddl/ddl-log.ts';
import { type CaptureFilter, compileNames } from '../capture/filter.ts';
import { lockAlike, lockTables } from '../snapshot/lock-tables.ts';
import { type PublishedTable, publishedTables } from './published-tables.ts';
import type { WalSourceSettings } from './settings.ts';

/** What is to be copied, as one snapshot shows it. */
export interface CopyPlan {
  readonly tables: readonly SnapshotTable[];
  /** Equal only for the same tables in the same order, with equal shapes, filters and files, and without DDL in between that is replayed. */
  readonly fingerprint: string;
  readonly estimatedRows: number;
  readonly bytes: number;
}

interface Parts {
  readonly settings: WalSourceSettings;
  readonly filter: CaptureFilter;
}

/**
 * Looks up the tables to copy inside a transaction that is to copy them, and locks them, so that they stay what they are, in that of every
 * other reader as well.
 */
export async function planCopy(
  client: pg.ClientBase,
  others: readonly pg.ClientBase[],
  parts: Parts,
  versions: VersionCounter,
): Promise<CopyPlan> {
  const published = copiedTables(
    await publishedTables(client, parts.settings.publicationName, parts.filter),
    parts.settings,
  );
  return await planTables(client, others, parts, published, versions);
}

/** As `planCopy`, for some of the published tables. */
export async function planTables(
  client: pg.ClientBase,
  others: readonly pg.ClientBase[],
  { settings, filter }: Parts,
  published: readonly PublishedTable[],
  versions: VersionCounter,
): Promise<CopyPlan> {
  await lockTables(client, published, filter);
  for (const other of others) await lockAlike(other, published);
  const isFollowed = await isDdlPublished(client, settings.publicationName);
  const facts = await lookUpCopyFacts(
    client,
    published.map(({ relationId }) => relationId),
  );
  const tables: SnapshotTable[] = [];
  const shapes = createHash('sha256');
  // The stream replays DDL in its place: below the point it would meet rows of other moments, of which what it asks for may not hold (R2).
  if (isFollowed) shapes.update(String(await lastFollowed(client, filter)));
  const described = await lookUpRelations(
    client,
    published.map(({ relationId }) => relationId),
  );
  for (const [i, each] of published.entries()) {
    const { rangeColumns, bytes, files } = facts[i] as CopyFacts;
    const version = versionOf(each, described.get(each.relationId), filter, versions);
    const table: TableSchema = isFollowed ? { ...version, isFollowed } : version;
    const { rowFilter, isPartitioned } = each;
    const isSmall = bytes <= settings.snapshotChunkBytes;
    const chunkRows = isSmall
      ? Number.POSITIVE_INFINITY
      : chunkRowsOf(facts[i] as CopyFacts, settings.snapshotChunkBytes);
    tables.push({ table, rowFilter, isPartitioned, rangeColumns: hasRanges(table) ? rangeColumns : [], chunkRows });
    shapes.update(JSON.stringify([{ ...table, version: 0 }, rowFilter, rangeColumns, files]));
  }
  const estimatedRows = facts.reduce((sum, each) => sum + each.estimatedRows, 0);
  const bytes = facts.reduce((sum, each) => sum + each.bytes, 0);
  return { tables, fingerprint: shapes.digest('base64url'), estimatedRows, bytes };
}

/** What the settings leave of the published tables, with the rows that they leave of each. */
export function copiedTables(
  published: readonly PublishedTable[],
  { snapshotTables = [], snapshotConditions = {} }: Pick<WalSourceSettings, 'snapshotTables' | 'snapshotConditions'>,
): PublishedTable[] {
  const isCopied = compileNames(snapshotTables);
  return published.flatMap((table) => {
    const name = `${table.schema}.${table.name}`;
    if (snapshotTables.length > 0 && !isCopied(name)) return [];
    const condition = Object.hasOwn(snapshotConditions, name) ? snapshotConditions[name] : undefined;
    if (condition === undefined) return [table];
    return [
      { ...table, rowFilter: table.rowFilter === undefined ? condition : `(${table.rowFilter}) and (${condition})` },
    ];
  });
}

/** The columns that the stream will have too, so that copy and stream tell the same of a table. */
function versionOf(
  { schema, name, columns: names }: PublishedTable,
  facts: RelationFacts | undefined,
  filter: CaptureFilter,
  versions: VersionCounter,
): TableSchema {
  if (!facts) throw new Error(`Table ${schema}.${name} is locked, but the catalog does not show it`);
  const kept = facts.columns.filter(
    (column, i) =>
      (names ? names.includes(column.name) : !column.generated) &&
      (facts.key.includes(i) || filter.column(schema, name, column.name)),
  );
  const key = facts.key.map((i) => kept.findIndex(({ attnum }) => attnum === facts.columns[i]?.attnum));
  const sent = names ?? facts.columns.filter(({ generated }) => !generated).map((column) => column.name);
  const computed = computedColumns(facts, sent, filter);
  return { ...facts, columns: kept, key: key.includes(-1) ? [] : key, ...computed, version: ++versions.last };
}

/**
 * Without a key nobody could tell rows that are read again from others; and comparing a "char" fails once the table has statistics
 * ("cache lookup failed for collation 0" on Postgres 18). Such tables are copied whole.
 */
function hasRanges({ key, columns }: TableSchema): boolean {
  return key.length > 0 && !key.some((i) => columns[i]?.type.base.endsWith('.char'));
}
