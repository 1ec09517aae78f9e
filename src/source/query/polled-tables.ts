import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { TableSchema } from '../../change/table-schema.ts';
import { type RelationFacts, lookUpRelation } from '../../postgres/catalog.ts';
import { postgresError } from '../../postgres/errors.ts';
import { computedColumns } from '../capture/computed.ts';
import { type CaptureFilter, compileNames } from '../capture/filter.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import type { Origin } from './poll-sql.ts';
import type { TableState } from './poll-state.ts';
import { describeQuery } from './describe-query.ts';
import { parentsFirst, type Reference } from './parents-first.ts';
import type { QuerySourceSettings } from './settings.ts';

/** A relation that polls read. */
export interface PolledName {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  /** `r` table, `p` partitioned table, `v` view, `m` materialized view. */
  readonly kind: 'r' | 'p' | 'v' | 'm';
  /** Ids of the partitions that have rows: one that is attached brings rows that were written long before. */
  readonly leaves: string | null;
}

/** A relation as a poll's snapshot shows it. */
export interface PolledTable {
  readonly table: TableSchema;
  readonly origin: Origin;
  /** See `TableState`: of all its columns, and of those that had been there when `before` was made. */
  readonly shape: string;
  readonly columns: number;
  /** True when rows that were sent before are still told by what the table has now. */
  continues(before: TableState): boolean;
}

/** Finds and describes the relations that are polled; keeps their versions. */
export class PolledTables {
  readonly #settings: QuerySourceSettings;
  readonly #filter: CaptureFilter;
  readonly #versions: VersionCounter = { last: 0 };
  readonly #known = new Map<number, TableSchema>();

  constructor(settings: QuerySourceSettings, filter: CaptureFilter) {
    this.#settings = settings;
    this.#filter = filter;
  }

  /** The relations that the lists take in now, each behind those that it refers to. Views must be named by a list of tables. */
  async list(client: pg.ClientBase): Promise<readonly PolledName[]> {
    const { query, tableInclude } = this.#settings;
    if (query !== undefined) return [];
    try {
      const { rows } = await client.query<PolledName>(RELATIONS);
      const found = rows.filter(
        ({ schema, name, kind }) =>
          this.#filter.table(schema, name) && (kind === 'r' || kind === 'p' || tableInclude.length > 0),
      );
      return parentsFirst(found, (await client.query<Reference>(REFERENCES)).rows);
    } catch (error) {
      throw postgresError(error, 'Cannot look up the tables to poll');
    }
  }

  /** Describes them, inside of the poll's transaction. A relation that is gone is left out. */
  async describe(client: pg.ClientBase, names: readonly PolledName[]): Promise<PolledTable[]> {
    const { query } = this.#settings;
    if (query !== undefined) {
      const facts = await describeQuery(client, query);
      return [this.#polled(facts, { kind: 'query', sql: query.sql }, '')];
    }
    const found: PolledTable[] = [];
    for (const { relationId, kind, leaves } of names) {
      const facts = await lookUpRelation(client, relationId);
      if (facts === undefined) continue;
      const isView = kind === 'v' || kind === 'm';
      const origin: Origin = isView ? { kind: 'view' } : { kind: 'table', isPartitioned: kind === 'p' };
      found.push(this.#polled(isView ? this.#keyed(facts) : facts, origin, leaves ?? ''));
    }
    return found;
  }

  #keyed(facts: RelationFacts): RelationFacts {
    const full = `${facts.schema}.${facts.name}`;
    const names = this.#settings.keyColumns.find(({ tables }) => compileNames([tables])(full))?.columns ?? [];
    return withKey(facts, names);
  }

  #polled(facts: RelationFacts, origin: Origin, leaves: string): PolledTable {
    const table = this.#version(facts);
    const columns = Math.max(0, ...facts.columns.map(({ attnum }) => attnum));
    const shape = shapeOf(table, leaves, columns);
    return {
      table,
      origin,
      shape,
      columns,
      continues: (before) => before.shape === shapeOf(table, leaves, before.columns),
    };
  }

  /** The columns that are captured, as WAL would tell them; a new version only when something is different. */
  #version(facts: RelationFacts): TableSchema {
    const { schema, name } = facts;
    const kept = facts.columns.filter(
      (column, i) => !column.generated && (facts.key.includes(i) || this.#filter.column(schema, name, column.name)),
    );
    const key = facts.key.map((i) => kept.findIndex(({ attnum }) => attnum === facts.columns[i]?.attnum));
    const sent = facts.columns.filter(({ generated }) => !generated).map((column) => column.name);
    const computed = computedColumns(facts, sent, this.#filter);
    const now = { ...facts, columns: kept, key: key.includes(-1) ? [] : key, ...computed, version: 0 };
    const before = this.#known.get(facts.relationId);
    if (before !== undefined && JSON.stringify({ ...before, version: 0 }) === JSON.stringify(now)) return before;
    const table = { ...now, version: ++this.#versions.last };
    this.#known.set(facts.relationId, table);
    return table;
  }
}

/** The relation with these columns as its key; without, where it has not got them all. */
export function withKey(facts: RelationFacts, names: readonly string[]): RelationFacts {
  const key = names.map((name) => facts.columns.findIndex((column) => column.name === name));
  if (key.length === 0 || key.includes(-1)) return { ...facts, key: [] };
  const columns = facts.columns.map((column, i) => (key.includes(i) ? { ...column, nullable: false } : column));
  return { ...facts, columns, key };
}

/** Names of columns do not count, nor what is allowed in them: values stay what they were. */
function shapeOf({ columns, key }: TableSchema, leaves: string, highest: number): string {
  const told = columns.filter(({ attnum }) => attnum <= highest).map(({ attnum, type }) => [attnum, type]);
  const keys = key.map((i) => columns[i]?.attnum);
  return createHash('sha256')
    .update(JSON.stringify([told, keys, leaves]))
    .digest('base64url')
    .slice(0, 12);
}

const REFERENCES = /* sql */ `
  select conrelid::int8::float8 as child, confrelid::int8::float8 as parent from pg_catalog.pg_constraint
  where contype = 'f' order by 1, 2`;

const RELATIONS = /* sql */ `
  select c.oid::int8::float8 as "relationId", n.nspname as schema, c.relname as name, c.relkind as kind,
    case when c.relkind = 'p' then (select string_agg(t.relid::oid::text, ',' order by t.relid::oid)
      from pg_catalog.pg_partition_tree(c.oid) t where t.isleaf) end as leaves
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm') and c.relpersistence <> 't' and not c.relispartition
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  order by 2, 3`;
