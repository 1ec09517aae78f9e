import type pg from 'pg';
import { Batch, type Control, type Transaction } from '../../change/batch.ts';
import type { CopyProgress } from '../../change/copy-state.ts';
import type { Position } from '../../change/position.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { failPoint } from '../../failpoint.ts';
import type { SnapshotTable } from './chunk-sql.ts';
import { CopyReader, type Portion, type ReaderShare } from './copy-reader.ts';
import { Handover } from './handover.ts';
import type { Chunk, WorkList } from './work-list.ts';

export interface SnapshotOptions {
  /** One reader each: connections inside transactions that show the same state. */
  readonly clients: readonly pg.ClientBase[];
  readonly tables: readonly SnapshotTable[];
  readonly work: WorkList;
  /** True for the first snapshot, at whose point the stream begins; false when it goes on with what another one has left. */
  readonly isFirst: boolean;
  readonly position: Position;
  /** The state's LSN and time. */
  readonly transaction: Transaction;
  readonly maxBatchBytes: number;
  /** Written to as batches are taken. */
  readonly progress: CopyProgress;
}

/**
 * Copies tables by chunks on all connections at once: the table versions and snapshot-begin (or -again) first, rows as `Op.read`, snapshot-end last;
 * every batch has the position and says how far the copy is with it. Memory stays below a few batches per reader: sockets wait for whoever pulls.
 */
export async function* copyTables(options: SnapshotOptions, signal: AbortSignal): AsyncGenerator<Batch> {
  const handover = new Handover<Portion>();
  const stop = (): void => handover.close(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield beginning(options);
    readAll(options, handover).then(
      () => handover.end(),
      (error: unknown) => handover.close(error),
    );
    signal.throwIfAborted();
    for await (const { batch, rows, finished } of handover) {
      failPoint('source.snapshot-batch');
      for (const { chunk, rows: copied } of finished) options.work.done(chunk, copied);
      note(options, rows);
      if (batch.length > 0) yield stamped(options, batch);
      if (finished.length > 0) failPoint('source.chunk-stored');
    }
    yield ending(options);
  } finally {
    signal.removeEventListener('abort', stop);
    // Ends the copies at their next batch; whoever owns the connections closes them.
    handover.close(new Error('The snapshot was left'));
  }
}

async function readAll(options: SnapshotOptions, handover: Handover<Portion>): Promise<void> {
  const { tables, transaction, maxBatchBytes, work } = options;
  const share: ReaderShare = { tables, transaction, maxBatchBytes, handover };
  const plan = new Plan(work);
  await Promise.all(
    options.clients.map(async (client) => {
      const reader = new CopyReader(client, share);
      for (let chunk = await plan.next(reader); chunk; chunk = await plan.next(reader)) await reader.copy(chunk);
      await reader.flush();
    }),
  );
}

/** Gives one chunk at a time: where it ends has to be known before the next one can begin. */
class Plan {
  readonly #work: WorkList;
  #last: Promise<unknown> = Promise.resolve();

  constructor(work: WorkList) {
    this.#work = work;
  }

  async next(reader: CopyReader): Promise<Chunk | undefined> {
    const next = this.#last.then(() => this.#next(reader));
    this.#last = next;
    return await next;
  }

  async #next(reader: CopyReader): Promise<Chunk | undefined> {
    const chunk = this.#work.take();
    if (chunk === undefined) return undefined;
    const end = await reader.boundary(chunk);
    return end === undefined ? chunk : this.#work.cut(chunk, end);
  }
}

function beginning(options: SnapshotOptions): Batch {
  const batch = new Batch();
  batch.transactions.push(options.transaction);
  const schemas = options.tables.map(({ table }) => table);
  for (const table of schemas) control(options, batch, { kind: 'table', table });
  const again = options.work.again.map((place) => schemas[place] as TableSchema);
  if (options.isFirst) control(options, batch, { kind: 'snapshot-begin', tables: schemas });
  else if (again.length > 0) control(options, batch, { kind: 'snapshot-again', tables: again });
  note(options, 0);
  return stamped(options, batch);
}

/** Of a copy that another snapshot began, the stream makes a state of one moment. */
function ending(options: SnapshotOptions): Batch {
  const batch = new Batch();
  batch.transactions.push(options.transaction);
  control(options, batch, { kind: 'snapshot-end', tables: options.tables.map(({ table }) => table) });
  stamped(options, batch);
  if (!options.isFirst) return batch;
  batch.consistent = true;
  batch.copy = undefined;
  return batch;
}

function control({ transaction }: SnapshotOptions, batch: Batch, said: Control): void {
  batch.addControl(said, 0, transaction.commitLsn);
}

function stamped({ position, work }: SnapshotOptions, batch: Batch): Batch {
  batch.consistent = false;
  batch.position = position;
  batch.copy = work.state();
  return batch;
}

function note({ work, progress }: SnapshotOptions, rows: number): void {
  progress.rows += rows;
  progress.tablesDone = work.tablesDone;
  const percent = (100 * progress.rows) / Math.max(1, progress.estimatedRows, progress.rows);
  progress.percent = work.isDone ? 100 : Math.min(99, Math.floor(percent));
}
