/** What foreign keys order: a table and the tables it refers to, by oid. */
export interface Linked {
  readonly oid: number;
  readonly parents: readonly number[];
}

/** The tables, each behind those it refers to. A cycle gets some order; so does a table that refers to itself. */
export function parentsFirst<T>(items: readonly T[], linkOf: (item: T) => Linked): T[] {
  const byOid = new Map(items.map((item) => [linkOf(item).oid, item]));
  const ordered = new Set<T>();
  const visiting = new Set<T>();
  const visit = (item: T): void => {
    if (visiting.has(item)) return;
    visiting.add(item);
    for (const oid of linkOf(item).parents) {
      const parent = byOid.get(oid);
      if (parent !== undefined) visit(parent);
    }
    ordered.add(item);
  };
  for (const item of items) visit(item);
  return [...ordered];
}
