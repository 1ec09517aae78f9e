import { type Batch, Op } from '../../../change/batch.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import { VoidCopyError } from '../../source.ts';
import type { Complete, Incomplete } from '../catch-up.ts';
import { lsnToPosition, positionToLsn } from '../../../postgres/lsn.ts';
import { MovedKeys } from '../moved-keys.ts';
import { type ChunkWindow, columnsLacking, hasSameCells } from './chunk-window.ts';
import { type RequestList, unread } from './request-list.ts';

/**
 * Looks after the changes of tables of which a replica has a part: they take rows out of the chunk that waits, and a key change that lacks values of a
 * row which may not be there is completed from the source as it is now (PROTOCOL, copies while streaming 5).
 */
export class PartialRows {
  readonly #list: RequestList;
  readonly #complete: Complete;
  readonly #moved = new Map<number, MovedKeys>();

  constructor(list: RequestList, complete: Complete) {
    this.#list = list;
    this.#complete = complete;
  }

  /** Looks through a batch before it is handed on; `window` is the chunk that waits. False when that one is of another shape of its table. */
  async pass(batch: Batch, window: ChunkWindow | undefined, signal: AbortSignal): Promise<boolean> {
    if (this.#list.state.tables.length === 0) return true;
    const isSound = window === undefined || isOfOneShape(batch, window.table);
    const chunk = isSound ? window : undefined;
    const incomplete: Incomplete[] = [];
    for (let i = 0; i < batch.length; i++) {
      const slot = batch.table[i] as number;
      if (batch.op[i] === Op.control) {
        const control = batch.controls[slot];
        if (control?.kind === 'truncate' && control.tables.some((table) => isOf(chunk, table.relationId)))
          chunk?.clear();
        continue;
      }
      const relationId = batch.tables[slot]?.relationId ?? 0;
      const isWhole = isOf(chunk, relationId) && (chunk as ChunkWindow).touch(batch, i);
      if (isWhole || batch.op[i] !== Op.keyChange || !this.#isDoubtful(batch, i, relationId)) continue;
      const columns = columnsLacking(batch, i);
      if (columns.length === 0) continue;
      this.#movedOf(relationId).add(batch, i);
      incomplete.push({ batch, change: i, columns });
    }
    for (const changes of byRelation(incomplete).values()) await this.#reread(changes, signal);
    return isSound;
  }

  /** From here on a replica has every row of the table, but for those that were read again. */
  settled(relationId: number, lsn: number): void {
    this.#moved.get(relationId)?.settled(lsn);
  }

  forget(relationId: number): void {
    this.#moved.delete(relationId);
  }

  #isDoubtful(batch: Batch, i: number, relationId: number): boolean {
    return this.#list.of(relationId) !== undefined && this.#movedOf(relationId).isDoubtful(batch, i);
  }

  async #reread(incomplete: readonly Incomplete[], signal: AbortSignal): Promise<void> {
    const [{ batch, change }] = incomplete as [Incomplete];
    const copy = this.#list.of(batch.tables[batch.table[change] as number]?.relationId ?? 0);
    if (copy?.begun === undefined) return;
    const { begun } = copy;
    try {
      const seen = await this.#complete(incomplete, signal);
      this.#movedOf(begun.relationId).seen(seen);
      const point = lsnToPosition(Math.max(seen, positionToLsn(begun.point)));
      this.#list.put(copy, { ...begun, point });
    } catch (error) {
      if (!(error instanceof VoidCopyError)) throw error;
      this.#list.put(copy, unread(begun.relationId)); // its copy begins anew: what is lacking now is read then
    }
  }

  #movedOf(relationId: number): MovedKeys {
    let moved = this.#moved.get(relationId);
    if (moved === undefined) {
      const { begun } = this.#list.of(relationId) ?? {};
      // A restart does not know which rows were read again: all below the point are doubtful.
      moved = new MovedKeys(begun?.isRead ? positionToLsn(begun.point) : Number.POSITIVE_INFINITY);
      this.#moved.set(relationId, moved);
    }
    return moved;
  }
}

function isOf(window: ChunkWindow | undefined, relationId: number): boolean {
  return window?.table.relationId === relationId;
}

function byRelation(changes: readonly Incomplete[]): Map<number, Incomplete[]> {
  const relations = new Map<number, Incomplete[]>();
  for (const each of changes) {
    const relationId = each.batch.tables[each.batch.table[each.change] as number]?.relationId ?? 0;
    const known = relations.get(relationId);
    if (known === undefined) relations.set(relationId, [each]);
    else known.push(each);
  }
  return relations;
}

/** Whether the batch tells nothing of the table that makes its rows other cells, or other values. */
function isOfOneShape(batch: Batch, table: TableSchema): boolean {
  const isSame = (other: TableSchema): boolean => other.relationId !== table.relationId || hasSameCells(other, table);
  return (
    batch.tables.every(isSame) &&
    batch.controls.every((control) => control.kind !== 'ddl' && (control.kind !== 'table' || isSame(control.table)))
  );
}
