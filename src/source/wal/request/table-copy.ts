import type { Batch, Transaction } from '../../../change/batch.ts';
import type { BegunCopy } from '../../../change/copy-request.ts';
import type { CopyProgress } from '../../../change/copy-state.ts';
import type { Position } from '../../../change/position.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import { OperatorError, RecordError, TransientError } from '../../../errors.ts';
import { failPoint } from '../../../failpoint.ts';
import { lsnToPosition, positionToLsn } from '../../../postgres/lsn.ts';
import type { VersionCounter } from '../../capture/version-counter.ts';
import { AwaitedPlace, type AwaitedPlaceParts } from './awaited-place.ts';
import { type ActiveCopy, activeCopy, isChunked, isSameCopy } from './active-copy.ts';
import type { Chunk, ChunkReaderParts, Shown, TableReader, View } from './chunk-reader.ts';
import type { ChunkWindow } from './chunk-window.ts';
import { CopyMeter } from './copy-meter.ts';
import { batchOf, control } from './interval.ts';
import type { PartialRows } from './partial-rows.ts';
import { type RequestList, unread } from './request-list.ts';
import { Unseen } from './unseen.ts';
import { openWhole, type WholeTable, wholeRows } from './whole-interval.ts';

export interface TableCopyParts extends ChunkReaderParts, AwaitedPlaceParts {
  /** Closed with the copy. */
  readonly reader: TableReader;
  readonly list: RequestList;
  readonly versions: VersionCounter;
  readonly partial: PartialRows;
}

/** The stream is asked again to haste. */
const WANT_MS = 50;
/** What is invisible, locked or out of reach is looked at again. */
const RETRY_MS = 50;
const MAX_RETRY_MS = 2_000;
/** What only a person can mend. */
const REFUSED_MS = 10_000;

/** Copies the tables of the list, one after another, a step at a time; each step is made where the stream stands between two transactions. */
export class TableCopy {
  readonly #parts: TableCopyParts;
  readonly #reader: TableReader;
  readonly #place: AwaitedPlace;
  #active: ActiveCopy | undefined;
  /** Milliseconds until the next step has something to do; undefined: the stream, or a signal, comes first. */
  delayMs: number | undefined;
  readonly #meter = new CopyMeter();
  /** Nothing is looked at before, in milliseconds. */
  #notBefore = 0;
  readonly #told = new Set<string>();

  constructor(parts: TableCopyParts) {
    this.#parts = parts;
    this.#reader = parts.reader;
    this.#place = new AwaitedPlace(parts, (signal) => this.#reader.flush(signal));
  }

  /** The chunk that waits for the stream. */
  get window(): ChunkWindow | undefined {
    return this.#active?.chunk?.window;
  }

  /** Where the stream has to stand for the table that is copied whole. */
  get wholeAt(): number | undefined {
    return this.#active?.whole?.copy.pointLsn;
  }

  get progress(): CopyProgress | undefined {
    return this.#meter.progress;
  }

  /** Hears of a batch before it is handed on. */
  streamed(batch: Batch): void {
    const unseen = this.#active?.unseen;
    if (unseen) for (const { xid } of batch.transactions) unseen.streamed(xid);
  }

  /** The chunk that waits is not of the stream's shape any more: it is read again. */
  spoil(): void {
    if (this.#active?.chunk === undefined) return;
    this.#active.chunk = undefined;
    this.#active.misfits++;
  }

  async close(): Promise<void> {
    await this.#active?.whole?.copy[Symbol.asyncDispose]();
    this.#active = undefined;
    await this.#reader[Symbol.asyncDispose]();
  }

  /** Does what can be done at `position`; nothing is stored there that does not commit below. */
  async *step(position: Position, signal: AbortSignal): AsyncGenerator<Batch> {
    const active = await this.#select();
    this.delayMs = undefined;
    if (active === undefined) return;
    const { begun } = active.copy;
    if (active.whole !== undefined) {
      if (this.#isAt(position, active.whole.copy.pointLsn)) yield* this.whole(signal, position);
    } else if (begun?.isRead) {
      active.chunk = undefined; // given up
      if (this.#isAt(position, positionToLsn(begun.point))) yield this.#end(active, begun, position);
    } else if (active.goneLsn !== undefined) {
      if (this.#isAt(position, active.goneLsn)) this.#giveUp(active);
    } else if (active.chunk !== undefined) {
      if (this.#isAt(position, active.chunk.highLsn)) yield this.#emit(active, active.chunk, position);
    } else if (this.#isDue()) {
      try {
        const batch = await this.#attempt(active, position, signal);
        if (batch) yield batch;
      } catch (error) {
        signal.throwIfAborted();
        this.#failed(active, error);
      }
    }
    await this.#place.hasten(signal);
  }

  /** Says all rows of a table, as of the exact place in the WAL where the stream stands, as one interval. */
  async *whole(signal: AbortSignal, position?: Position): AsyncGenerator<Batch> {
    const active = this.#active as ActiveCopy;
    const whole = active.whole as WholeTable;
    const at = position ?? lsnToPosition(whole.copy.pointLsn);
    const transaction = this.#transactionAt(at);
    const table = this.#numbered(whole.shown);
    const { maxBatchBytes } = this.#parts.settings;
    const copied = (rows: number): void => this.#note(active, rows);
    const isAll = active.copy.condition === undefined;
    const rows = yield* wholeRows(whole, { table, transaction, isAll, maxBatchBytes, copied }, signal);
    active.whole = undefined;
    await whole.copy[Symbol.asyncDispose]();
    const last = batchOf(transaction);
    control(last, { kind: 'snapshot-end', tables: [table] });
    last.position = at;
    this.#finish(active, table.relationId, rows);
    yield last;
  }

  /** The copy that is under way; another one than before begins with nothing known of it. */
  async #select(): Promise<ActiveCopy | undefined> {
    const { head } = this.#parts.list;
    const active = this.#active;
    if (active !== undefined && head !== undefined && isSameCopy(active.copy, head)) {
      active.copy = head;
      return active;
    }
    if (active?.whole) await active.whole.copy[Symbol.asyncDispose]();
    this.#active = head && activeCopy(head);
    if (head === undefined) return undefined;
    this.#reader.begin();
    return this.#active;
  }

  #isAt(position: Position, lsn: number): boolean {
    const isReached = this.#place.isReached(position, lsn);
    this.delayMs = isReached ? 0 : WANT_MS;
    return isReached;
  }

  async #attempt(active: ActiveCopy, position: Position, signal: AbortSignal): Promise<Batch | undefined> {
    const look = async (view: View): Promise<Shown | undefined> => {
      // The visibility guard (F11): what the stream has brought must not be read as it was before.
      active.unseen ??= new Unseen(view.running);
      if (!active.unseen.isShownBy(view.snapshot)) return this.#retry(active);
      if (await this.#reader.isGone(view, active.copy)) {
        active.goneLsn = view.lsn;
        this.delayMs = 0;
        return undefined;
      }
      const shown = await this.#reader.show(view, active.copy);
      active.estimatedRows = shown.estimatedRows;
      if (!isChunked(active, shown)) return shown;
      const { begun } = active.copy;
      if (begun?.fingerprint !== shown.fingerprint) {
        // A shape that is new has to have been there for as long as the stream is behind: then the stream has told of it.
        if (active.shape?.fingerprint !== shown.fingerprint)
          active.shape = { fingerprint: shown.fingerprint, lsn: view.lsn };
        return this.#isAt(position, active.shape.lsn) ? shown : undefined;
      }
      const chunk = await this.#reader.read(view, shown, active.table ?? shown.source.table, begun.after);
      active.chunk = { ...chunk, highLsn: view.lsn };
      return shown;
    };
    const shown = await this.#reader.view(look, signal);
    if (shown === undefined) return undefined;
    active.retries = 0;
    this.delayMs = 0;
    if (active.chunk !== undefined) return undefined;
    if (isChunked(active, shown)) return this.#begin(active, shown, position);
    active.whole = await openWhole(this.#parts, this.#reader, active.copy, signal);
    return active.whole === undefined ? this.#retry(active, MAX_RETRY_MS) : undefined;
  }

  #isDue(): boolean {
    const waitMs = this.#notBefore - this.#parts.clock.monotonic();
    if (waitMs > 0) this.delayMs = waitMs;
    return waitMs <= 0;
  }

  /** From here on a replica has nothing of the table, or all but what the condition says, and rows follow. */
  #begin(active: ActiveCopy, shown: Shown, position: Position): Batch {
    const { copy } = active;
    const { relationId } = shown.source.table;
    const before = copy.begun ?? unread(relationId);
    const table = this.#numbered(shown);
    const batch = batchOf(this.#transactionAt(position));
    control(batch, { kind: 'table', table });
    if (copy.condition === undefined) control(batch, { kind: 'snapshot-again', tables: [table] });
    batch.position = position;
    active.table = table;
    const { point } = before;
    this.#put(active, { ...unread(relationId), fingerprint: shown.fingerprint, point });
    return batch;
  }

  /** The stream has come to where the chunk was read: what it has not changed is as it was read. */
  #emit(active: ActiveCopy, { window, end }: Chunk, position: Position): Batch {
    failPoint('source.snapshot-batch');
    active.chunk = undefined;
    const begun = active.copy.begun as BegunCopy;
    const transaction = this.#transactionAt(position);
    const batch = batchOf(transaction);
    const table = active.table ?? { ...window.table, version: ++this.#parts.versions.last };
    if (active.table === undefined) control(batch, { kind: 'table', table }); // under this claim
    active.table = table;
    window.moveTo(batch, transaction, table);
    batch.position = position;
    const rows = begun.rows + window.count;
    const next = { ...begun, after: end ?? begun.after, isRead: end === null, rows };
    this.#note(active, rows);
    if (end !== null) {
      this.#put(active, next);
      return batch;
    }
    this.#parts.partial.settled(begun.relationId, transaction.commitLsn);
    if (position >= begun.point) {
      control(batch, { kind: 'snapshot-end', tables: [table] });
      this.#finish(active, begun.relationId, rows);
    } else this.#put(active, next);
    return batch;
  }

  #end(active: ActiveCopy, { relationId, rows }: BegunCopy, position: Position): Batch {
    const batch = batchOf(this.#transactionAt(position));
    batch.position = position;
    if (active.table) control(batch, { kind: 'snapshot-end', tables: [active.table] });
    this.#finish(active, relationId, rows);
    return batch;
  }

  /** The table was dropped, and the stream has told of it: nothing is left to copy, or to say of it. */
  #giveUp({ copy }: ActiveCopy): void {
    const { list, partial } = this.#parts;
    list.end(copy, false);
    if (copy.begun) partial.forget(copy.begun.relationId);
    this.#active = undefined;
  }

  #put(active: ActiveCopy, begun: BegunCopy): void {
    active.copy = this.#parts.list.put(active.copy, begun);
  }

  #finish(active: ActiveCopy, relationId: number, rows: number): void {
    const { list, partial } = this.#parts;
    list.end(active.copy, active.copy.condition === undefined);
    if (list.of(relationId) === undefined) partial.forget(relationId);
    this.#meter.ended(active, rows, list.state.tables.length, list.head === undefined);
    this.#active = undefined;
    this.delayMs = 0;
  }

  #retry(active: ActiveCopy, afterMs?: number): undefined {
    this.delayMs = afterMs ?? Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(active.retries++, 6));
    this.#notBefore = this.#parts.clock.monotonic() + this.delayMs;
  }

  /** Copies must not stop the stream: what passes is tried again, what does not is told of. */
  #failed(active: ActiveCopy, error: unknown): void {
    if (error instanceof TransientError) return this.#retry(active);
    if (!(error instanceof OperatorError || error instanceof RecordError)) throw error;
    const { list, warn } = this.#parts;
    const { copy } = active;
    const what = `${copy.schema}.${copy.name} cannot be copied while streaming: ${error.message}`;
    if (!this.#told.has(what)) warn(`Table ${what}`, error.advice ?? 'See the message; it is tried again.');
    this.#told.add(what);
    if (copy.begun === undefined) list.end(copy, false);
    else list.postpone(copy);
    this.#retry(active, REFUSED_MS);
  }

  #numbered({ source }: Shown): TableSchema {
    return { ...source.table, version: ++this.#parts.versions.last };
  }

  /** Rows that are read have no transaction; they are as of the place where the stream stands. */
  #transactionAt(position: Position): Transaction {
    return { xid: 0, commitLsn: positionToLsn(position), commitTimeUs: this.#parts.clock.now() * 1000 };
  }

  #note(active: ActiveCopy, rows: number): void {
    this.#meter.copied(active, rows, this.#parts.list.state.tables.length);
  }
}
