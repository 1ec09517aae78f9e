import { Batch, Op, UNCHANGED } from '../../change/batch.ts';
import type { CopyState } from '../../change/copy-state.ts';
import { failPoint } from '../../failpoint.ts';
import { lsnToPosition, positionToLsn } from '../../postgres/lsn.ts';
import { VoidCopyError } from '../source.ts';
import { MovedKeys } from './moved-keys.ts';

/** A key change whose new row lacks values: the server did not send them, and the replica may not have them. */
export interface Incomplete {
  readonly batch: Batch;
  readonly change: number;
  /** Ordinals of the columns without value. */
  readonly columns: readonly number[];
}

/**
 * Fills the missing values in from the source as it is now; a row that is gone by now is made a delete of its old key. Resolves with an LSN
 * below which everything is committed that was seen.
 */
export type Complete = (changes: readonly Incomplete[], signal: AbortSignal) => Promise<number>;

/**
 * Reads the stream from where a copy began to where all its rows are of one moment (PROTOCOL, copy): rows that several snapshots read are
 * brought there by changes that they may have seen already. Changes of tables that one newer snapshot copied whole are left out below its point.
 */
export async function* catchUp(
  batches: AsyncIterable<Batch>,
  state: CopyState,
  complete: Complete,
  isEnough: boolean,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const known = knownBelow(state);
  const copied = positionToLsn(state.point);
  let point: number | undefined = copied;
  const moved = new MovedKeys(copied);
  for await (const batch of batches) {
    if (point === undefined) {
      yield batch;
      continue;
    }
    leaveOut(batch, known);
    const incomplete = incompleteBelow(batch, point, moved);
    if (incomplete.length > 0) {
      // What is read now is of a later moment still (F11 is the reader's to mind).
      const seen = await complete(incomplete, signal);
      moved.seen(seen);
      point = Math.max(point, seen);
    }
    if (point > copied) refuseDdl(batch, point);
    const isThere = batch.position !== undefined && positionToLsn(batch.position) >= point;
    if (batch.length > 0 || !isThere) {
      batch.consistent = false;
      batch.copy = { ...state, point: lsnToPosition(point) };
    }
    yield batch;
    if (batch.length > 0) failPoint('source.catching-up');
    if (!isThere) continue;
    if (batch.length > 0) yield arrived(batch);
    point = undefined;
    if (isEnough) return;
  }
}

/**
 * Below the copies' own point no DDL can be, or it would have begun anew. Between there and where rows were read again there may be, and it would
 * meet rows of a later moment.
 */
function refuseDdl(batch: Batch, point: number): void {
  for (let i = 0; i < batch.length; i++) {
    if (batch.op[i] !== Op.control || batch.controls[batch.table[i] as number]?.kind !== 'ddl') continue;
    if ((batch.transactions[batch.transaction[i] as number]?.commitLsn ?? 0) >= point) continue;
    throw new VoidCopyError('Tables were altered before their interrupted copy was consistent: it begins anew');
  }
}

/** Says that what was stored with the last batch is a state of one moment. */
function arrived({ position }: Batch): Batch {
  const batch = new Batch(1, 1, 1);
  batch.position = position;
  return batch;
}

/** Per relation the LSN below which its snapshot shows every transaction. */
function knownBelow({ newer }: CopyState): Map<number, number> {
  return new Map(newer.flatMap(({ point, relations }) => relations.map((id) => [id, positionToLsn(point)] as const)));
}

/** Removes changes that a table's snapshot shows already: without a key, applying them again would double rows. */
export function leaveOut(batch: Batch, known: ReadonlyMap<number, number>): void {
  if (known.size === 0 || batch.length === 0) return;
  const isKnown = (relationId: number, i: number): boolean =>
    (batch.transactions[batch.transaction[i] as number]?.commitLsn ?? 0) < (known.get(relationId) ?? 0);
  let kept = 0;
  for (let i = 0; i < batch.length; i++) {
    const slot = batch.table[i] as number;
    if (batch.op[i] === Op.control) {
      const control = batch.controls[slot];
      if (control?.kind === 'truncate') {
        const tables = control.tables.filter(({ relationId }) => !isKnown(relationId, i));
        batch.controls[slot] = { ...control, tables };
      }
    } else if (isKnown(batch.tables[slot]?.relationId ?? 0, i)) continue;
    move(batch, i, kept++);
  }
  if (kept === batch.length) return;
  batch.length = kept;
  // A batch that ends a transaction has to hold something of it, to carry the position: here, a truncate of no table.
  if (kept === 0) batch.addControl({ kind: 'truncate', tables: [], cascade: false, restartIdentity: false }, 0, 0);
}

function move(batch: Batch, from: number, to: number): void {
  if (from === to) return;
  for (const column of [batch.op, batch.table, batch.transaction, batch.lsn, batch.before, batch.after])
    column[to] = column[from] as number;
}

function incompleteBelow(batch: Batch, point: number, moved: MovedKeys): Incomplete[] {
  const found: Incomplete[] = [];
  let end = point;
  for (let i = 0; i < batch.length; i++) {
    if (batch.op[i] !== Op.keyChange) continue;
    if ((batch.transactions[batch.transaction[i] as number]?.commitLsn ?? 0) >= end) continue;
    const columns: number[] = [];
    const width = batch.tables[batch.table[i] as number]?.columns.length ?? 0;
    const after = batch.after[i] as number;
    for (let c = 0; c < width; c++) if (batch.cells[2 * (after + c) + 1] === UNCHANGED) columns.push(c);
    if (columns.length === 0 || !moved.isDoubtful(batch, i)) continue;
    moved.add(batch, i);
    found.push({ batch, change: i, columns });
    end = Number.POSITIVE_INFINITY; // what follows in this batch may leave a key that is read as it will be later
  }
  return found;
}
