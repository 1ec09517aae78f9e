import type pg from 'pg';
import { mayHaveRows } from './coverage.ts';
import { publishedSinceCreated } from './ddl/ddl-log.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import { type PublishedTable, publishedTables } from './published-tables.ts';
import type { WalSourceSettings } from './settings.ts';
import type { Warn } from '../capture/warn.ts';

export interface AddedTablesParts {
  readonly client: pg.ClientBase;
  readonly settings: WalSourceSettings;
  readonly filter: CaptureFilter;
  readonly warn: Warn;
  /** Ids of tables that were warned of; kept over restarts of the source in this process. */
  readonly told: Set<number>;
  /** Has a table copied while streaming. */
  readonly need: (table: Pick<PublishedTable, 'schema' | 'name' | 'relationId'>) => void;
}

/** Sees the tables that somebody adds to the publication of a running source: they are copied, or, where nothing is, warned of. */
export class AddedTables {
  readonly #parts: AddedTablesParts;
  /** Tables that are captured. */
  #known: ReadonlySet<number>;
  /** Tables that were captured at some time: what was missed since may also be the deletion of their rows. */
  readonly #ever: Set<number>;

  constructor(parts: AddedTablesParts, known: readonly number[]) {
    this.#parts = parts;
    this.#known = new Set(known);
    this.#ever = new Set(known);
  }

  /** These are captured from their first row on, or were copied. */
  add(tables: readonly number[]): void {
    this.#known = new Set([...this.#known, ...tables]);
  }

  /** True when the table was there when somebody looked last, or is copied. */
  isKnown(relationId: number): boolean {
    return this.#known.has(relationId);
  }

  /** Looks for tables that were added since the last look. Throws TransientError while one of them is locked. */
  async look(): Promise<void> {
    const { client, settings, filter, told, need } = this.#parts;
    const published = await publishedTables(client, settings.publicationName, filter);
    // Asked second: what is published by the first answer as it was created is in this one.
    this.add(await publishedSinceCreated(client));
    for (const table of findAdded(published, this.#known)) {
      const { relationId } = table;
      if (settings.snapshotMode !== 'no_data') {
        // Also without rows: the stream may tell that it had some when it was added.
        need(table);
        continue;
      }
      if (told.has(relationId) || !(this.#ever.has(relationId) || (await mayHaveRows(client, table)))) continue;
      this.#warn(table);
    }
    this.#known = new Set(published.map(({ relationId }) => relationId));
    for (const id of this.#known) this.#ever.add(id);
  }

  #warn({ relationId, schema, name }: PublishedTable): void {
    const { settings, warn, told } = this.#parts;
    told.add(relationId);
    warn(
      `Table ${schema}.${name} was added to publication "${settings.publicationName}": rows that it had before are not copied`,
      `If it was empty when it was added there is nothing to do. Else copy everything again: rowcast offsets reset ${settings.name}`,
    );
  }
}

/**
 * Published tables that were not there before and may have rows from before they were published: those that somebody has added by name, or
 * with a schema of which nothing was published yet. Other tables are published from their first row on.
 */
export function findAdded(published: readonly PublishedTable[], known: ReadonlySet<number>): readonly PublishedTable[] {
  const schemas = new Set(
    published.flatMap(({ relationId, schema, by }) => (by === 'schema' && known.has(relationId) ? [schema] : [])),
  );
  return published.filter(
    ({ relationId, schema, by }) =>
      !known.has(relationId) && (by === 'name' || (by === 'schema' && !schemas.has(schema))),
  );
}
