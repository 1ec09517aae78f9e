import type { TableSchema } from '../../change/table-schema.ts';

/** The numbers of another table's columns say nothing about this one's. */
export function unnumbered(schema: TableSchema): TableSchema {
  return { ...schema, columns: schema.columns.map((column) => ({ ...column, attnum: 0 })) };
}

/** Equal but for the version number, which every claim counts anew. */
export function isSameShape(a: TableSchema, b: TableSchema): boolean {
  return a === b || canonical(a) === canonical(b);
}

/**
 * Whether a table is as a version says. Where both follow the source's DDL, only columns and their types count, as the stream tells them: the rest of
 * the version may be ahead of the statement that is still to come.
 */
export function fits(has: TableSchema, version: TableSchema): boolean {
  if (!has.isFollowed || !version.isFollowed) return isSameShape(has, version);
  if (has.schema !== version.schema || has.name !== version.name) return false;
  const columns = new Map(has.columns.map((column) => [column.name, column]));
  const isKnown = version.columns.every(({ name, type }) => {
    const column = columns.get(name);
    return column !== undefined && column.type.oid === type.oid && column.type.modifier === type.modifier;
  });
  const told = new Set(version.columns.map(({ name }) => name));
  return isKnown && has.columns.every(({ name, generated }) => generated !== undefined || told.has(name));
}

function canonical(schema: TableSchema): string {
  const { relationId, schema: space, name, columns, key, identity, computed } = schema;
  const parts = [...columns, ...(computed ?? [])].map((c) => {
    const { oid, declared, kind, base, baseModifier, labels, made } = c.type;
    return [
      c.name,
      c.attnum,
      oid,
      declared,
      kind,
      base,
      baseModifier,
      labels,
      made && sorted(made),
      c.nullable,
      c.default,
      c.generated,
      c.identity,
    ];
  });
  return JSON.stringify([relationId, space, name, parts, columns.length, key, identity]);
}

/** With the members of objects in the order of their names: a stored version comes back in another order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, member]) => [name, sorted(member)]);
}
