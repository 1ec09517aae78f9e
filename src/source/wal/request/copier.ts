import { Batch } from '../../../change/batch.ts';
import { type CopyRequests, type CopySignal, NO_REQUESTS } from '../../../change/copy-request.ts';
import type { CopyProgress } from '../../../change/copy-state.ts';
import type { Position } from '../../../change/position.ts';
import { TransientError } from '../../../errors.ts';
import type { Rereader } from '../reread.ts';
import { PartialRows } from './partial-rows.ts';
import type { RequestList } from './request-list.ts';
import { firstAtOrBehind, splitBatch } from './split-batch.ts';
import { TableCopy, type TableCopyParts } from './table-copy.ts';

/** Somebody who waits until a state of the list is stored. */
interface Waiter {
  readonly version: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface CopierParts extends Omit<TableCopyParts, 'partial'> {
  readonly rereader: Pick<Rereader, 'complete'>;
}

/**
 * Makes the copies that are asked for while the stream goes on: puts their batches between its transactions, and says with every batch how far
 * they are (PROTOCOL, copies while streaming).
 */
export class Copier {
  readonly #list: RequestList;
  readonly #table: TableCopy;
  readonly #partial: PartialRows;
  #version = 0;
  /** What the last batch with a position said. */
  #told: CopyRequests = NO_REQUESTS;
  /** The versions that were said with batches that are not known to be stored, in their order. */
  #underWay: { readonly position: Position; readonly version: number }[] = [];
  #storedVersion = 0;
  #waiters: Waiter[] = [];
  #wake: () => void = () => {};
  #isReading = false;

  constructor(parts: CopierParts) {
    this.#list = parts.list;
    const complete = parts.rereader.complete.bind(parts.rereader);
    this.#partial = new PartialRows(parts.list, complete);
    this.#table = new TableCopy({ ...parts, partial: this.#partial });
    parts.list.listen(() => {
      this.#version++;
      this.#wake();
    });
  }

  get progress(): CopyProgress | undefined {
    return this.#table.progress;
  }

  /** Hears a signal; resolves when what it asks for is stored. */
  async ask(signal: CopySignal): Promise<void> {
    if (!this.#isReading) throw notReading();
    this.#list.hear(signal);
    const version = this.#version;
    if (version <= this.#storedVersion) return;
    await new Promise<void>((resolve, reject) => this.#waiters.push({ version, resolve, reject }));
  }

  /** The first batch that stands at `position`, of those that are not known to be stored, is stored; with it all before it. */
  acknowledged(position: Position): void {
    const at = this.#underWay.findIndex((each) => each.position === position);
    const stored = at < 0 ? this.#underWay.filter((each) => each.position < position).length : at + 1;
    this.#storedVersion = this.#underWay.splice(0, stored).at(-1)?.version ?? this.#storedVersion;
    const due = this.#waiters.filter(({ version }) => version <= this.#storedVersion);
    this.#waiters = this.#waiters.filter((waiter) => !due.includes(waiter));
    for (const { resolve } of due) resolve();
  }

  /** The stream with the copies in between. Nothing is copied before the stream is consistent, which `isLevel` says of its beginning. */
  async *during(
    stream: AsyncIterable<Batch>,
    from: Position,
    isLevel: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<Batch> {
    const iterator = stream[Symbol.asyncIterator]();
    let [position, isAtRest] = [from, isLevel];
    let next = pull(iterator);
    this.#isReading = true;
    try {
      for (;;) {
        if (isAtRest) yield* this.#atRest(position, signal);
        const got = await this.#first(next, isAtRest);
        if (got === undefined) continue;
        if (got.done === true) return;
        for (const batch of this.#cut(got.value, isAtRest)) {
          if (batch === undefined) {
            yield* this.#whole(signal);
            continue;
          }
          this.#table.streamed(batch);
          const isSound = await this.#partial.pass(batch, this.#table.window, signal);
          if (!isSound) this.#table.spoil();
          yield this.#tell(batch);
          position = batch.position ?? position;
          isAtRest = batch.position !== undefined && batch.consistent;
        }
        next = pull(iterator);
      }
    } finally {
      this.#isReading = false;
      for (const { reject } of this.#waiters.splice(0)) reject(notReading());
      await this.#table.close();
      await iterator.return?.();
    }
  }

  async *#atRest(position: Position, signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const batch of this.#table.step(position, signal)) yield this.#tell(batch);
    if (this.#told === this.#list.state) return;
    const batch = new Batch(1, 1, 1);
    batch.position = position;
    yield this.#tell(batch);
  }

  async *#whole(signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const batch of this.#table.whole(signal)) yield this.#tell(batch);
  }

  /** Parts of a batch, and `undefined` where a table is to be copied whole between them. */
  #cut(batch: Batch, isAtRest: boolean): (Batch | undefined)[] {
    const lsn = this.#table.wholeAt;
    if (lsn === undefined) return [batch];
    const at = firstAtOrBehind(batch, lsn);
    if (at === batch.length) return [batch]; // where it ends is looked at when it was handed on
    if (at === 0) return isAtRest ? [undefined, batch] : [batch];
    const [head, tail] = splitBatch(batch, at, lsn);
    return [head, undefined, tail];
  }

  /** The stream's next batch; undefined when a copy has something to do before. */
  async #first(next: Promise<IteratorResult<Batch>>, isAtRest: boolean): Promise<IteratorResult<Batch> | undefined> {
    if (!isAtRest) return await next;
    let due: NodeJS.Timeout | undefined;
    const woken = new Promise<undefined>((resolve) => {
      this.#wake = () => resolve(undefined);
      const { delayMs } = this.#table;
      if (delayMs !== undefined) due = setTimeout(this.#wake, delayMs);
    });
    try {
      return await Promise.race([next, woken]);
    } finally {
      clearTimeout(due);
      this.#wake = () => {};
    }
  }

  #tell(batch: Batch): Batch {
    batch.requests = this.#list.state;
    if (batch.position !== undefined) {
      this.#told = this.#list.state;
      this.#underWay.push({ position: batch.position, version: this.#version });
    }
    return batch;
  }
}

/** What fails is heard by whoever awaits it, perhaps after a while. */
function pull(iterator: AsyncIterator<Batch>): Promise<IteratorResult<Batch>> {
  const next = iterator.next();
  next.catch(() => {});
  return next;
}

function notReading(): TransientError {
  return new TransientError('The source does not stream: nothing can be asked of it now', {
    advice: 'Ask again when it streams.',
  });
}
