import { Batch, Op } from '../../../src/change/batch.ts';
import type { CopyState } from '../../../src/change/copy-state.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import type { Random } from '../../../src/torture/random.ts';
import { type Database, type ModelSnapshot, type ModelTransaction, positionOf, TABLES } from './database.ts';
import { addRow, type ModelChange, modelTable } from './rows.ts';

/** What a keepalive may say at most seldom: an answer is asked for. */
const URGENT = 0.2;

/** The sending side of one replication stream: what a session sends, cut into batches at random. */
export class Walsender {
  readonly #database: Database;
  readonly #random: Random;
  readonly #tables: (TableSchema | undefined)[] = [];
  #next = 0;
  #change = 0;
  /** Keepalives count up from here: after a start they lie below what was confirmed (V1). */
  #keepalive: number;
  #isStarted = false;

  constructor(database: Database, restart: number) {
    this.#database = database;
    this.#random = database.random;
    this.#keepalive = restart;
  }

  /** Goes to the first transaction that is sent from `from` on; a stream is started once. */
  start(from: number): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    while ((this.#database.transactions[this.#next]?.commitLsn ?? from) < from) this.#next++;
  }

  /** The next batch, or undefined when nothing is queued. */
  batch(): Batch | undefined {
    const random = this.#random;
    if (this.#isIdlePoint() && random.chance(0.04)) return this.keepalive();
    let room = random.chance(0.3) ? random.between(1, 3) : random.between(4, 30);
    let whole: ModelTransaction | undefined;
    const batch = newBatch();
    for (;;) {
      const transaction = this.#database.transactions[this.#next];
      if (transaction === undefined || room <= 0) break;
      const index = addTransaction(batch, transaction.xid, transaction.commitLsn);
      while (room > 0 && this.#change < transaction.changes.length) {
        this.#add(batch, transaction.changes[this.#change++] as ModelChange, index, transaction.commitLsn);
        room--;
      }
      if (this.#change < transaction.changes.length) return batch;
      whole = transaction;
      this.#next++;
      this.#change = 0;
      if (random.chance(0.3)) break;
    }
    if (whole === undefined) return undefined;
    batch.position = positionOf(whole.endLsn);
    return batch;
  }

  /** A keepalive between transactions: an empty batch whose position is what the server says it has sent so far. */
  keepalive(): Batch | undefined {
    if (!this.#isIdlePoint()) return undefined;
    const next = this.#database.transactions[this.#next];
    const sent = this.#database.transactions[this.#next - 1]?.endLsn ?? 0;
    const limit = next?.commitLsn ?? this.#database.lsn;
    const low = this.#random.chance(0.5)
      ? Math.min(this.#keepalive, limit)
      : Math.min(Math.max(this.#keepalive, sent), limit);
    this.#keepalive = this.#random.between(low, limit);
    const batch = new Batch(1, 1, 8);
    batch.position = positionOf(this.#keepalive);
    batch.urgent = this.#random.chance(URGENT);
    return batch;
  }

  /** The batches of a snapshot; `before` is what an earlier copy of it has left, and says where its rows are of one moment. */
  *snapshot({ point, reads }: ModelSnapshot, before: CopyState | undefined): Generator<Batch> {
    const all = Array.from({ length: TABLES }, (_, table) => table);
    let batch = newBatch();
    let transaction = addTransaction(batch, 0, point);
    const begin = all.map((table) => this.#announced(batch, table, transaction, point));
    if (before === undefined) batch.addControl({ kind: 'snapshot-begin', tables: begin }, transaction, point);
    for (let rows = before?.rows ?? 0; rows < reads.length; rows++) {
      this.#add(batch, reads[rows] as ModelChange, transaction, point);
      if (!this.#random.chance(0.3)) continue;
      yield finish(batch, point, copyState(this.#database, point, rows + 1, before?.point));
      batch = newBatch();
      transaction = addTransaction(batch, 0, point);
    }
    const end = all.map((table) => this.#tables[table] as TableSchema);
    batch.addControl({ kind: 'snapshot-end', tables: end }, transaction, point);
    const isLevel = before === undefined || before.point <= positionOf(point);
    yield finish(batch, point, isLevel ? undefined : { ...before, begun: 1, open: [], rows: reads.length });
  }

  /** True when no transaction is half sent. */
  #isIdlePoint(): boolean {
    return this.#change === 0;
  }

  #add(batch: Batch, change: ModelChange, transaction: number, lsn: number): void {
    if (change.op === Op.control) {
      const tables = Array.from({ length: TABLES }, (_, table) => this.#announced(batch, table, transaction, lsn));
      batch.addControl({ kind: 'truncate', tables, cascade: false, restartIdentity: false }, transaction, lsn);
      return;
    }
    const schema = this.#announced(batch, change.table, transaction, lsn);
    let table = batch.tables.indexOf(schema);
    if (table < 0) table = batch.tables.push(schema) - 1;
    const before = addRow(batch, change.before);
    const after = addRow(batch, change.after);
    batch.addChange(change.op, table, transaction, lsn, before, after);
  }

  /** The table's present version, announced in this stream; now and then a new version comes. */
  #announced(batch: Batch, table: number, transaction: number, lsn: number): TableSchema {
    const known = this.#tables[table];
    if (known !== undefined && !this.#random.chance(0.01)) return known;
    const version = this.#tables.reduce((most, other) => Math.max(most, other?.version ?? 0), 0) + 1;
    const schema = modelTable(table, version);
    this.#tables[table] = schema;
    batch.addControl({ kind: 'table', table: schema }, transaction, lsn);
    return schema;
  }
}

function newBatch(): Batch {
  return new Batch(16, 64, 512);
}

function addTransaction(batch: Batch, xid: number, commitLsn: number): number {
  return batch.transactions.push({ xid, commitLsn, commitTimeUs: commitLsn * 1000 }) - 1;
}

function finish(batch: Batch, point: number, copy: CopyState | undefined): Batch {
  batch.position = positionOf(point);
  batch.consistent = copy === undefined;
  batch.copy = copy;
  return batch;
}

/** A copy of one table, as it were: its rows are all rows of the snapshot, which `fingerprint` names. */
function copyState({ snapshots }: Database, point: number, rows: number, level = positionOf(point)): CopyState {
  const fingerprint = String(snapshots.findIndex((each) => each.point === point));
  const open = [{ table: 0, ranges: [] }];
  return { fingerprint, point: level, begun: 1, tables: 1, open, newer: [], rows };
}
