import type { TableSchema } from '../../change/table-schema.ts';

/** The numbers of another table's columns say nothing about this one's. */
export function unnumbered(schema: TableSchema): TableSchema {
  return { ...schema, columns: schema.columns.map((column) => ({ ...column, attnum: 0 })) };
}

/** Equal but for the version number, which every claim counts anew. */
export function isSameShape(a: TableSchema, b: TableSchema): boolean {
  return a === b || canonical(a) === canonical(b);
}

function canonical(schema: TableSchema): string {
  const { relationId, schema: space, name, columns, key, identity } = schema;
  const parts = columns.map((c) => {
    const { oid, declared, kind, base, baseModifier, labels } = c.type;
    return [
      c.name,
      c.attnum,
      oid,
      declared,
      kind,
      base,
      baseModifier,
      labels,
      c.nullable,
      c.default,
      c.generated,
      c.identity,
    ];
  });
  return JSON.stringify([relationId, space, name, parts, key, identity]);
}
