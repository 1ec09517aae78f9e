import type pg from 'pg';
import type { TableSchema } from '../../change/table-schema.ts';
import { type RawRelation, type RelationFacts, toFacts, withMadeTypes } from '../../postgres/catalog.ts';
import { postgresError } from '../../postgres/errors.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import type { TriggerNames } from './names.ts';
import { type RowLayout, rowLayout, toldTable } from './shape.ts';

interface StoredShape {
  readonly id: number;
  readonly relation: number;
  readonly facts: RawRelation;
  readonly root: { readonly relation: number; readonly facts: RawRelation } | null;
}

/** The shapes that were met under one claim, and the table versions that they are told as. */
export class ShapeBook {
  readonly #names: TriggerNames;
  readonly #filter: CaptureFilter;
  readonly #versions: VersionCounter = { last: 0 };
  readonly #layouts = new Map<number, RowLayout>();
  /** By all that is said of them. */
  readonly #tables = new Map<string, TableSchema>();
  /** Versions that the log knows under this claim. */
  readonly announced: Set<TableSchema> = new Set();

  constructor(names: TriggerNames, filter: CaptureFilter) {
    this.#names = names;
    this.#filter = filter;
  }

  /** Looks up the shapes that were not met before; inside the transaction that then reads the events. */
  async load(client: pg.ClientBase): Promise<void> {
    try {
      const sql = /* sql */ `select id, relation::int8::float8 as relation, facts, root from ${this.#names.shapes} where id <> all ($1)`;
      const { rows } = await client.query<StoredShape>(sql, [[...this.#layouts.keys()]]);
      for (const { id, relation, facts, root } of rows) {
        const shape = {
          id,
          facts: await completed(client, relation, facts),
          root: root === null ? undefined : await completed(client, root.relation, root.facts),
        };
        const layout = rowLayout(shape, this.#filter);
        this.#layouts.set(id, { ...layout, table: this.#versionOf(layout.table) });
      }
    } catch (error) {
      throw postgresError(error, 'Cannot look up the shapes of captured tables');
    }
  }

  /** Throws a plain Error for a shape that was not loaded. */
  layoutOf(id: number): RowLayout {
    const layout = this.#layouts.get(id);
    if (layout === undefined) throw new Error(`An event is of shape ${id}, which nobody has written down`);
    return layout;
  }

  /** The version that a table has as the catalog tells it now. */
  tableOf(facts: RelationFacts): TableSchema {
    return this.#versionOf(toldTable(facts, this.#filter));
  }

  #versionOf(table: TableSchema): TableSchema {
    const content = JSON.stringify(table);
    let known = this.#tables.get(content);
    if (known === undefined) {
      known = { ...table, version: ++this.#versions.last };
      this.#tables.set(content, known);
    }
    return known;
  }
}

async function completed(client: pg.ClientBase, relation: number, raw: RawRelation): Promise<RelationFacts> {
  const facts = toFacts(relation, raw);
  return { ...facts, columns: await withMadeTypes(client, facts.columns) };
}
