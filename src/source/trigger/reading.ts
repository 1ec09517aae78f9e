import type pg from 'pg';
import { Batch, type Control, type Transaction } from '../../change/batch.ts';
import type { Position } from '../../change/position.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { TransientError } from '../../errors.ts';
import { lookUpRelation } from '../../postgres/catalog.ts';
import { postgresError } from '../../postgres/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import { keepOnDisk, WAL_WRITTEN } from '../capture/keep-on-disk.ts';
import { copyOut } from '../snapshot/copy-out.ts';
import { CopyReader, type Portion } from '../snapshot/copy-reader.ts';
import { Handover } from '../snapshot/handover.ts';
import { lockTables } from '../snapshot/lock-tables.ts';
import { EventAssembler } from './event-assembler.ts';
import { copyEventsSql, isInvertedSql, uncovered } from './event-sql.ts';
import type { TriggerNames } from './names.ts';
import { leadingLsn, nextPosition } from './position.ts';
import type { ShapeBook } from './shape-book.ts';
import { failPoint } from '../../failpoint.ts';

export interface ReadingParts {
  readonly names: TriggerNames;
  readonly book: ShapeBook;
  readonly filter: CaptureFilter;
  readonly maxBatchBytes: number;
}

/** A table that is read whole, as the same snapshot shows it. */
export interface WholeTable {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  readonly isPartitioned: boolean;
}

/**
 * Everything that one snapshot shows and that no earlier one did: a consistent point. Whatever is still in flight cannot lie under it: who changes a
 * row later has waited for whoever has changed it before.
 */
export class Reading {
  readonly position: Position;
  /** No event is new. */
  readonly isEmpty: boolean;
  /** Something was written somewhere since. */
  readonly isBeyond: boolean;
  readonly #client: pg.Client;
  readonly #parts: ReadingParts;
  readonly #before: Position;
  readonly #lsn: number;
  readonly #wal: string | null;
  #lastId = 0;

  private constructor(parts: ReadingParts, client: pg.Client, before: Position, lsn: number, head: Head) {
    this.#parts = parts;
    this.#client = client;
    this.#before = before;
    this.#lsn = lsn;
    this.#wal = head.wal;
    this.position = nextPosition(before, lsn, head.snapshot);
    this.isEmpty = !head.hasEvents;
    this.isBeyond = lsn > leadingLsn(before);
  }

  /** Takes a snapshot behind `before`; the client is in a transaction until `end`. */
  static async begin(parts: ReadingParts, client: pg.Client, before: Position): Promise<Reading> {
    try {
      // Before the snapshot: whoever has seen its own commit below this finds its changes in it.
      const lsn = await walInsert(client);
      await client.query(BEGIN);
      const sql = /* sql */ `select pg_current_snapshot()::text as snapshot, ${WAL_WRITTEN} as wal,
        exists (select from ${parts.names.events} e where ${uncovered(before)}) as "hasEvents"`;
      const head = (await client.query<Head>(sql)).rows[0] as Head;
      return new Reading(parts, client, before, lsn, head);
    } catch (error) {
      throw postgresError(error, 'Cannot look for captured events');
    }
  }

  /** No event with a greater number belongs to it. */
  get lastId(): number {
    return this.#lastId;
  }

  /** The events, and then the tables that are to be read whole, of which no event is told. Batches may be empty; none has a position. */
  async *batches(wanted: readonly WholeTable[], nowUs: number): AsyncGenerator<Batch> {
    yield* this.#events(new Set(wanted.map(({ relationId }) => relationId)));
    for (const table of wanted) yield* this.#whole(table, nowUs);
  }

  async *#events(left: ReadonlySet<number>): AsyncGenerator<Batch> {
    const { names, book, maxBatchBytes } = this.#parts;
    await book.load(this.#client);
    const isInverted = await this.#isInverted();
    const assembler = new EventAssembler({
      layoutOf: (shape) => {
        const layout = book.layoutOf(shape);
        return left.has(layout.table.relationId) ? { ...layout, isCaptured: false } : layout;
      },
      announced: book.announced,
      lsn: this.#lsn,
      maxBatchBytes,
    });
    const sql = copyEventsSql(names.events, this.#before, isInverted);
    const handover = new Handover<Batch>();
    const line = (bytes: Buffer): boolean => {
      if (!assembler.add(bytes)) return false;
      handover.put(assembler.take(), assembler);
      return true;
    };
    const copied = copyOut(this.#client, sql, line, () => handover.drained(assembler)).catch((error: unknown) => {
      throw postgresError(error, 'Cannot read captured events');
    });
    yield* handedOver(handover, copied);
    this.#lastId = assembler.lastId;
    yield assembler.end();
  }

  /** The rows of a table between snapshot-again and snapshot-end. */
  async *#whole(target: WholeTable, nowUs: number): AsyncGenerator<Batch> {
    await this.#client.query(/* sql */ `set local enable_nestloop to default`);
    const table = await this.#lock(target);
    const transaction: Transaction = { xid: 0, commitLsn: this.#lsn, commitTimeUs: nowUs };
    const { isPartitioned } = target;
    const source = {
      table,
      rowFilter: undefined,
      isPartitioned,
      rangeColumns: [],
      chunkRows: Number.POSITIVE_INFINITY,
    };
    const { book, maxBatchBytes } = this.#parts;
    const said: Control[] = book.announced.has(table) ? [] : [{ kind: 'table', table }];
    book.announced.add(table);
    yield controls(transaction, [...said, { kind: 'snapshot-again', tables: [table] }]);
    const handover = new Handover<Portion>();
    const reader = new CopyReader(this.#client, { tables: [source], transaction, maxBatchBytes, handover });
    const copied = reader.copy({ table: 0, range: { from: null, to: null } }).then(() => reader.flush());
    for await (const { batch } of handedOver(handover, copied)) if (batch.length > 0) yield batch;
    yield controls(transaction, [{ kind: 'snapshot-end', tables: [table] }]);
  }

  /** Everything was read: gives the snapshot up. */
  async end(): Promise<void> {
    try {
      await this.#client.query('commit');
    } catch (error) {
      throw postgresError(error, 'Cannot end the reading of captured events');
    }
  }

  /** Makes sure that the server cannot take back what the snapshot has shown, so that its position may be told. */
  async settle(): Promise<void> {
    await keepOnDisk(this.#client, this.#wal);
    failPoint('source.events-read');
  }

  async #isInverted(): Promise<boolean> {
    try {
      const sql = isInvertedSql(this.#parts.names.events, this.#before);
      return (await this.#client.query<{ isInverted: boolean }>(sql)).rows[0]?.isInverted === true;
    } catch (error) {
      throw postgresError(error, 'Cannot look at the order of captured events');
    }
  }

  async #lock(target: WholeTable): Promise<TableSchema> {
    const { filter, book } = this.#parts;
    await lockTables(this.#client, [target], filter);
    const facts = await lookUpRelation(this.#client, target.relationId);
    if (!facts) throw new TransientError(`Table ${target.schema}.${target.name} is too new for the snapshot`);
    return book.tableOf(facts);
  }
}

/**
 * The table of events is empty again and again, and statistics of it say so: each event of a large transaction would be compared with each other one by one.
 */
const BEGIN = /* sql */ `begin isolation level repeatable read read only; set local enable_nestloop = off`;

interface Head {
  readonly snapshot: string;
  readonly wal: string | null;
  readonly hasEvents: boolean;
}

/** The end of WAL, not yet written. */
export async function walInsert(client: pg.ClientBase): Promise<number> {
  const sql = /* sql */ `select pg_catalog.pg_current_wal_insert_lsn()::text as lsn`;
  return parseLsn((await client.query<{ lsn: string }>(sql)).rows[0]?.lsn ?? '');
}

function controls(transaction: Transaction, said: readonly Control[]): Batch {
  const batch = new Batch();
  batch.transactions.push(transaction);
  for (const control of said) batch.addControl(control, 0, transaction.commitLsn);
  return batch;
}

/** What is put into the handover until `writing` has ended; whoever leaves earlier ends the writing, and its connection. */
async function* handedOver<T>(handover: Handover<T>, writing: Promise<void>): AsyncGenerator<T> {
  writing.then(
    () => handover.end(),
    (error: unknown) => handover.close(error),
  );
  try {
    yield* handover;
  } finally {
    handover.close(new Error('Reading was left'));
  }
}
