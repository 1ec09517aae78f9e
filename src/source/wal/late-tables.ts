import { findRelation } from '../../postgres/catalog.ts';
import { qualified } from '../../postgres/identifier.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Capture } from '../source.ts';
import { AddedTables, type AddedTablesParts } from './added-tables.ts';
import { type CoverageParts, uncovered } from './coverage.ts';
import { ensurePublication } from './publication.ts';
import { type PublishedTable, publishedTables } from './published-tables.ts';

/** What tables that join the capture later are judged by; `need` has one copied while streaming. */
export interface LateTablesParts extends AddedTablesParts, CoverageParts {
  /** Hears of those that join without a row. */
  readonly cover: (relations: readonly number[]) => void;
}

/** See `HeldSource.assertCovered`: what `before` left out is copied, or told of where nothing is. */
export async function cover(parts: LateTablesParts, before: Capture, announced: readonly TableSchema[]): Promise<void> {
  const { client, settings, warn, need } = parts;
  const tables = await uncovered(parts, before, announced);
  if (tables.length > 0 && settings.snapshotMode === 'no_data') {
    warn(
      `Captured from now on: ${tables.flatMap(({ what }) => what).join(', ')}`,
      'snapshot.mode is no_data: their earlier rows are yours to copy.',
    );
    return;
  }
  for (const { schema, name } of tables) {
    const relationId = await findRelation(client, schema, name);
    if (relationId !== undefined) need({ schema, name, relationId });
  }
  if (tables.length === 0 && before.tables !== undefined) await new AddedTables(parts, before.tables).look();
}

/** Brings the publication to what is captured; tables that have rows already are copied while streaming, or left out and told of. */
export async function publish(parts: LateTablesParts, added: AddedTables): Promise<void> {
  const { client, settings, filter, need, capture } = parts;
  const late: string[] = [];
  const takenIn = settings.snapshotMode === 'no_data' ? undefined : (table: string): void => void late.push(table);
  await ensurePublication(client, settings, filter, { leftOut: (table) => warnLeftOut(parts, table), takenIn });
  if (settings.publicationAutocreateMode !== 'filtered') return;
  // Tables without rows were added just now, while nobody could write to them.
  const published = await publishedTables(client, settings.publicationName, filter);
  added.add(published.map(({ relationId }) => relationId));
  const isLate = ({ isPartitioned, schema, name }: PublishedTable): boolean =>
    late.includes(`${isPartitioned ? '' : 'only '}${qualified(schema, name)}`);
  const fresh = published.filter(({ relationId }) => capture.tables?.includes(relationId) === false);
  parts.cover(fresh.filter((table) => !isLate(table)).map(({ relationId }) => relationId));
  for (const table of published) if (isLate(table)) need(table);
}

function warnLeftOut({ settings, warn }: LateTablesParts, table: string): void {
  const { name, publicationName, snapshotMode } = settings;
  const why =
    snapshotMode === 'no_data' ? `it has rows, or is busy, and connector "${name}" copies nothing` : 'it is busy';
  warn(
    `Table ${table.replace(/^only /, '')} is not captured: ${why}`,
    snapshotMode === 'no_data'
      ? `Exclude it (table.exclude.list), empty it and start again, or add it to publication "${publicationName}" yourself, and its present rows to the replica.`
      : 'Somebody holds a lock on it. Start the connector again when that has ended.',
  );
}
