import type { TableSchema } from '../../change/table-schema.ts';
import { isSameShape } from './shape.ts';
import type { TargetTable } from './target-table.ts';

/** The targets that were looked up, by table version. */
export class ResolvedTargets {
  #byVersion = new WeakMap<TableSchema, TargetTable>();
  readonly #latest = new Map<number, TargetTable>();

  /** The target of a table version; undefined when it is to be looked up. */
  find(schema: TableSchema): TargetTable | undefined {
    const cached = this.#byVersion.get(schema);
    if (cached !== undefined) return cached;
    const latest = this.#latest.get(schema.relationId);
    if (latest === undefined || !isSameShape(latest.schema, schema)) return undefined;
    this.#byVersion.set(schema, latest);
    return latest;
  }

  /** Whether a target of any version of the table is known. */
  has(relationId: number): boolean {
    return this.#latest.has(relationId);
  }

  keep(schema: TableSchema, target: TargetTable): void {
    this.#byVersion.set(schema, target);
    this.#latest.set(schema.relationId, target);
  }

  clear(): void {
    this.#byVersion = new WeakMap();
    this.#latest.clear();
  }
}
