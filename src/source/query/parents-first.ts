/** A foreign key: rows of `child` refer to rows of `parent`. */
export interface Reference {
  readonly child: number;
  readonly parent: number;
}

/**
 * Puts relations behind those that they refer to, and otherwise leaves them in their order; so does every part of a large poll that a target
 * with foreign keys checks by itself. Where they refer to each other in a circle, it is broken anywhere.
 */
export function parentsFirst<T extends { readonly relationId: number }>(
  relations: readonly T[],
  references: readonly Reference[],
): T[] {
  const byId = new Map(relations.map((each) => [each.relationId, each]));
  const parents = new Map<number, number[]>();
  for (const { child, parent } of references) parents.set(child, [...(parents.get(child) ?? []), parent]);
  const ordered: T[] = [];
  const begun = new Set<number>();
  // By a list of one's own: a chain of tables may be longer than the stack is deep.
  const open: { readonly relation: T; readonly left: number[] }[] = [];
  const begin = (id: number): void => {
    const relation = byId.get(id);
    if (relation === undefined || begun.has(id)) return;
    begun.add(id);
    open.push({ relation, left: [...(parents.get(id) ?? [])] });
  };
  for (const { relationId } of relations) {
    begin(relationId);
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const next = last.left.shift();
      if (next !== undefined) begin(next);
      else ordered.push((open.pop() as typeof last).relation);
    }
  }
  return ordered;
}
