import { Batch, type Control, NULL, Op, type Transaction, UNCHANGED } from '../../change/batch.ts';
import type { DdlCommand } from '../../change/ddl.ts';
import type { RawSignal } from '../../change/signal.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';
import { type DdlRow, readDdlRow } from './ddl/ddl-row.ts';
import type { OldTuple, PgoutputListener, RelationMessage } from './decoder.ts';
import { isSameTable, type Relation } from './relation.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import { signalOfRow } from './signals/signal-table.ts';
import { appendTuple, HAS_UNEXPECTED_NULL } from './tuple.ts';

/** What the assembler needs of whoever feeds it. */
export interface AssemblerPorts {
  /** A Relation message came: nothing more may be fed until its `Relation` is handed to `setRelation`. */
  relation(message: RelationMessage): void;
  /** A batch is full; it is not written to any more. */
  full(batch: Batch): void;
  /** A transaction without changes ended here. */
  idle(endLsn: number): void;
  /** A batch to fill, new or used. */
  newBatch(): Batch;
  /** A row of the table of signals came: nothing more may be fed until it is heard. */
  signal?(signal: RawSignal): void;
  /** What a row of the log of DDL says; undefined when it says nothing of what is captured. */
  ddl?(row: DdlRow): DdlCommand | undefined;
}

/** Rough bytes of a change and a cell besides their text, so that narrow rows are bounded too. */
const CHANGE_BYTES = 29;
const CELL_BYTES = 8;

/** How full a batch is handed out between two transactions: it need not end inside one for want of room. */
const HALF = 1 / 2;
const MOST = 3 / 4;
const MANY_TABLES = 100;

/**
 * Turns the messages of the stream into batches: one change per row message, in commit order, transactions below `from` left
 * out (resends, F8). Synchronous; knows no I/O.
 */
export class Assembler implements PgoutputListener {
  readonly #ports: AssemblerPorts;
  readonly #from: number;
  readonly #maxBytes: number;
  readonly #versions: VersionCounter;
  readonly #relations = new Map<number, Relation>();
  /** LSN of the message that is being decoded. */
  lsn = 0;
  #batch: Batch;
  #batchNumber = 0;
  #transaction: Transaction | undefined;
  /** Number of the transaction in the batch, -1 before its first change there. */
  #slot = -1;
  #skipping = false;
  /** True when the open transaction has changes, in this batch or an earlier one. */
  #open = false;
  #endLsn: number;
  /** The open transaction has altered an enum: what it added can be used by later ones only, on the target as well. */
  #altersEnum = false;

  constructor(ports: AssemblerPorts, from: number, maxBytes: number, versions: VersionCounter) {
    this.#ports = ports;
    this.#from = from;
    this.#maxBytes = maxBytes;
    this.#versions = versions;
    this.#endLsn = from;
    this.#batch = ports.newBatch();
  }

  /** True while a transaction is being received. */
  get inTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  /** True when nothing is waiting to be handed out, not even half a transaction. */
  get isEmpty(): boolean {
    return this.#batch.length === 0;
  }

  /** Hands out what there is, if it ends between transactions; undefined when there is nothing to hand out. */
  take(): Batch | undefined {
    return this.#batch.length === 0 || this.#open ? undefined : this.#cut();
  }

  tableOf(relationId: number): TableSchema | undefined {
    return this.#relations.get(relationId)?.table;
  }

  /** From here on rows of the relation are of this shape; a new version only when something changed. */
  setRelation(relation: Relation): void {
    const { relationId } = relation.table;
    const present = this.#relations.get(relationId);
    if (
      present &&
      present.captured === relation.captured &&
      present.isDdlLog === relation.isDdlLog &&
      isSameTable(present.table, relation.table)
    ) {
      // The same table can have another layout on the wire: columns that are not captured come, go and move.
      const { keep, required, signals } = relation;
      this.#relations.set(relationId, { ...present, keep, required, ...(signals && { signals }) });
    } else this.#relations.set(relationId, this.#numbered(relation, relation.table));
  }

  begin(commitLsn: number, commitTimeUs: number, xid: number): void {
    if (this.#transaction) throw new Error('Pgoutput began a transaction inside another one');
    this.#transaction = { xid, commitLsn, commitTimeUs };
    this.#slot = -1;
    this.#skipping = commitLsn < this.#from; // equal is the adjacent next one (A2)
  }

  commit(commitLsn: number, endLsn: number): void {
    if (this.#transaction?.commitLsn !== commitLsn)
      throw new Error('Pgoutput committed another transaction than it began');
    const skipped = this.#skipping;
    this.#transaction = undefined;
    this.#skipping = false;
    if (skipped) return;
    // Invariant 2: only commit end LSNs grow.
    if (endLsn < this.#endLsn) throw new Error(`A commit ended at ${endLsn}, after one that ended at ${this.#endLsn}`);
    this.#endLsn = endLsn;
    if (!this.#open) {
      this.#ports.idle(endLsn);
      return;
    }
    this.#open = false;
    if (this.#altersEnum || this.#size() >= this.#enough()) this.#ports.full(this.#cut());
    this.#altersEnum = false;
  }

  relation(message: RelationMessage): void {
    this.#ports.relation(message);
  }

  insert(relationId: number, bytes: Buffer, after: number, end: number): void {
    const relation = this.#used(relationId);
    const signals = this.#skipping ? undefined : this.#relations.get(relationId)?.signals;
    if (signals) this.#ports.signal?.(signalOfRow(signals, bytes, after, end, this.lsn));
    if (!relation) {
      const log = this.#relations.get(relationId);
      if (log?.isDdlLog && !this.#skipping) this.#ddl(log, bytes, after, end);
      return;
    }
    const row = this.#row(relation, bytes, after, end, true);
    this.#add(Op.insert, relation, -1, row);
  }

  update(relationId: number, bytes: Buffer, old: OldTuple, before: number, after: number, end: number): void {
    const relation = this.#used(relationId);
    if (!relation) return;
    if (old === '') {
      this.#add(Op.update, relation, -1, this.#row(relation, bytes, after, end, true));
      return;
    }
    // The new tuple follows the old one and its kind byte.
    const oldRow = this.#row(relation, bytes, before, after - 1, old === 'O');
    const newRow = this.#row(relation, bytes, after, end, true);
    this.#fillUnchanged(relation.table, old, oldRow, newRow);
    const op = this.#isKeyChanged(relation.table, oldRow, newRow) ? Op.keyChange : Op.update;
    this.#add(op, relation, op === Op.update && old === 'K' ? -1 : oldRow, newRow);
  }

  delete(relationId: number, bytes: Buffer, old: OldTuple, before: number, end: number): void {
    const relation = this.#used(relationId);
    if (!relation) return;
    this.#add(Op.delete, relation, this.#row(relation, bytes, before, end, old === 'O'), -1);
  }

  truncate(relationIds: readonly number[], cascade: boolean, restartIdentity: boolean): void {
    const relations = relationIds.map((id) => this.#used(id)).filter((relation) => relation !== undefined);
    if (relations.length === 0) return;
    for (const relation of relations) this.#announce(relation);
    this.#control({ kind: 'truncate', tables: relations.map(({ table }) => table), cascade, restartIdentity });
  }

  #ddl(relation: Relation, bytes: Buffer, at: number, end: number): void {
    const row = new Batch(1, 8, end - at);
    appendTuple(row, bytes, at, end, relation);
    const ddl = this.#ports.ddl?.(readDdlRow(relation.table, row));
    if (ddl === undefined) return;
    // As with a row: the batch that the commit closes must hold something of the transaction.
    if (this.#size() >= this.#maxBytes) this.#ports.full(this.#cut());
    this.#control({ kind: 'ddl', ddl });
    this.#altersEnum ||= ddl.changes.some(({ before, after }) => before?.kind === 'enum' && after?.kind === 'enum');
  }

  /** The relation, or undefined when the change is to be left out. */
  #used(relationId: number): Relation | undefined {
    if (!this.#transaction) throw new Error('Pgoutput sent a change outside of a transaction');
    const relation = this.#relations.get(relationId);
    if (!relation) throw new Error(`Pgoutput sent a change of relation ${relationId} before describing it`);
    if (this.#skipping || !relation.captured) return undefined;
    // Before a change, not after it: the batch that a commit closes must hold something of its transaction, to carry the position.
    if (this.#size() >= this.#maxBytes) this.#ports.full(this.#cut());
    return relation;
  }

  /** Adds a row's cells and returns the number of the first one. */
  #row(relation: Relation, bytes: Buffer, at: number, end: number, isWhole: boolean): number {
    const row = this.#batch.cellCount;
    const told = appendTuple(this.#batch, bytes, at, end, relation);
    if (isWhole && (told & HAS_UNEXPECTED_NULL) !== 0) this.#relax(relation, row);
    return row;
  }

  #add(op: Op, relation: Relation, before: number, after: number): void {
    // The relation may have been replaced by a version that allows the row's NULL.
    const current = this.#relations.get(relation.table.relationId) as Relation;
    this.#announce(current);
    const batch = this.#batch;
    if (current.batch !== this.#batchNumber) {
      current.batch = this.#batchNumber;
      current.slot = batch.tables.push(current.table) - 1;
    }
    batch.addChange(op, current.slot, this.#transactionSlot(), this.lsn, before, after);
    this.#open = true;
  }

  /** Says a table version once, before the first row that uses it. */
  #announce(relation: Relation): void {
    if (relation.announced) return;
    relation.announced = true;
    this.#control({ kind: 'table', table: relation.table });
  }

  #control(control: Control): void {
    this.#batch.addControl(control, this.#transactionSlot(), this.lsn);
    this.#open = true;
  }

  #transactionSlot(): number {
    if (this.#slot < 0) this.#slot = this.#batch.transactions.push(this.#transaction as Transaction) - 1;
    return this.#slot;
  }

  /** An old row can be NULL where the catalog, which is newer, says NOT NULL: the row is right. */
  #relax(relation: Relation, row: number): void {
    const table = (this.#relations.get(relation.table.relationId) as Relation).table;
    const columns = table.columns.map((column, i) =>
      this.#batch.cells[2 * (row + i) + 1] === NULL ? { ...column, nullable: true } : column,
    );
    if (isSameTable(table, { ...table, columns })) return;
    const wire = [...relation.keep.keys()].filter((i) => relation.keep[i] === 1);
    const required = relation.required.slice();
    for (const [i, column] of columns.entries()) if (column.nullable) required[wire[i] as number] = 0;
    this.#relations.set(table.relationId, this.#numbered({ ...relation, required }, { ...table, columns }));
  }

  #numbered(relation: Relation, table: TableSchema): Relation {
    const version = relation.captured ? ++this.#versions.last : 0;
    return { ...relation, table: { ...table, version }, announced: false, batch: -1, slot: -1 };
  }

  /** Identity FULL has the old value of everything, a key the old value of its columns. */
  #fillUnchanged(table: TableSchema, old: OldTuple, before: number, after: number): void {
    const { cells } = this.#batch;
    for (let i = 0; i < table.columns.length; i++) {
      if (cells[2 * (after + i) + 1] !== UNCHANGED) continue;
      if (old === 'K' && !table.key.includes(i)) continue;
      cells[2 * (after + i)] = cells[2 * (before + i)] as number;
      cells[2 * (after + i) + 1] = cells[2 * (before + i) + 1] as number;
    }
  }

  #isKeyChanged(table: TableSchema, before: number, after: number): boolean {
    const { cells, bytes } = this.#batch;
    return table.key.some((i) => {
      const [from, to] = [cells[2 * (before + i)] as number, cells[2 * (before + i) + 1] as number];
      const [newFrom, newTo] = [cells[2 * (after + i)] as number, cells[2 * (after + i) + 1] as number];
      if (to < 0 || newTo < 0) return newTo !== UNCHANGED && to !== newTo;
      return bytes.compare(bytes, newFrom, newTo, from, to) !== 0;
    });
  }

  /** Ends a batch between transactions. What a log does for each topic of a batch is shared by its rows: of many tables there are to be more. */
  #enough(): number {
    return this.#maxBytes * (this.#batch.tables.length > MANY_TABLES ? MOST : HALF);
  }

  #size(): number {
    const { byteLength, length, cellCount } = this.#batch;
    return byteLength + length * CHANGE_BYTES + cellCount * CELL_BYTES;
  }

  #cut(): Batch {
    const batch = this.#batch;
    batch.position = this.#open ? undefined : lsnToPosition(this.#endLsn);
    this.#batch = this.#ports.newBatch();
    this.#batchNumber++;
    this.#slot = -1;
    return batch;
  }
}
