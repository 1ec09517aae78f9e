import type { Batch } from '../change/batch.ts';
import { type CopyRequests, NO_REQUESTS } from '../change/copy-request.ts';
import type { Position } from '../change/position.ts';
import type { Clock } from '../clock.ts';
import { TooLargeError } from '../errors.ts';
import { failPoint } from '../failpoint.ts';
import type { Append } from '../log/log.ts';
import type { HeldSource } from '../source/source.ts';
import type { CheckpointWriter } from './checkpoint-writer.ts';
import type { BatchEncoder } from './encode-batch.ts';
import type { SourceProgress } from './source-progress.ts';
import { enter } from './stage.ts';
import { explainTooLarge } from './too-large.ts';

export interface PublisherOptions {
  readonly clock: Clock;
  readonly prefix: string;
  readonly progress: SourceProgress;
}

/** What encodes batches for it. */
export type PublisherEncoder = Pick<BatchEncoder, 'beginInterval' | 'prepare' | 'encode'>;

/** What stores them. */
export type PublisherWriter = Pick<
  CheckpointWriter,
  'publish' | 'claim' | 'number' | 'position' | 'consistent' | 'requests' | 'signal'
>;

/** Who is told how publishing goes on. */
export interface PublishListener {
  /** Everything that was read is stored; tells the progress what the loop does now. */
  readonly rest: () => void;
  /** A batch is encoded, and everything before it is stored. */
  readonly handedOver: () => void;
}

/**
 * Publishes batches one after another: durable first, then checkpointed, only then may the source forget (Invariant 1). While one of them is
 * stored the next one is read and encoded, and sent when everything before it is stored and checkpointed: the log sees the same order as if
 * nothing had overlapped.
 */
export class Publisher implements AsyncDisposable {
  readonly #options: PublisherOptions;
  readonly #held: Pick<HeldSource, 'acknowledge'>;
  readonly #encoder: PublisherEncoder;
  readonly #writer: PublisherWriter;
  #failure: { readonly error: unknown } | undefined;
  /** Hears when a batch is stored, or one could not be. */
  #settled: () => void = () => {};
  #rest: () => void = () => {};
  /** True when data since the last checkpoint has no checkpoint: the batch ended inside a transaction. */
  #isOpen = false;
  /** The number of the checkpoint that covers what is encoded next. */
  #number: number;
  /** Batches that are read and not yet stored. */
  #busy = 0;
  #storing: Promise<void> = Promise.resolve();

  constructor(
    options: PublisherOptions,
    held: Pick<HeldSource, 'acknowledge'>,
    encoder: PublisherEncoder,
    writer: PublisherWriter,
  ) {
    this.#options = options;
    this.#held = held;
    this.#encoder = encoder;
    this.#writer = writer;
    this.#number = writer.number;
  }

  /** What the last checkpoint says of copies while streaming. */
  get requests(): CopyRequests | undefined {
    return this.#writer.requests;
  }

  /** Checkpoint 0: from here on the slot is promised, though nothing is consistent yet (V2). */
  async markStart(position: Position): Promise<void> {
    // Everything is copied: what was asked for is done with it.
    await this.#writer.publish([], position, { committedAt: 0, consistent: false, requests: NO_REQUESTS });
    this.#number = this.#writer.number;
  }

  /**
   * Publishes everything that `read` gives until `signal` aborts, and resolves when all of it is stored. `read` is told to end when nothing is on its
   * way any more, so that it hears of the last position, or when a batch cannot be stored: then that is thrown.
   */
  async publishAll(
    read: (signal: AbortSignal) => AsyncIterable<Batch>,
    signal: AbortSignal,
    { rest, handedOver }: PublishListener,
  ): Promise<void> {
    const over = new AbortController();
    this.#rest = rest;
    this.#settled = () => {
      if (this.#failure) over.abort(this.#failure.error);
      else if (signal.aborted && this.#busy === 0) over.abort(signal.reason);
    };
    signal.addEventListener('abort', this.#settled);
    this.#settled();
    try {
      for await (const batch of read(over.signal)) {
        await this.#publish(batch);
        handedOver();
        if (signal.aborted) await this.#storing; // nothing follows
      }
    } catch (error) {
      throw this.#failure ? this.#failure.error : error;
    } finally {
      signal.removeEventListener('abort', this.#settled);
    }
    await this.#storing;
  }

  /** Waits for what is on its way: nothing of this run reaches the log after it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storing.catch(() => {}); // whoever publishes has been told
  }

  async #publish(batch: Batch): Promise<void> {
    if (batch.length === 0) {
      await this.#storing;
      return await this.#keepalive(batch);
    }
    failPoint('source.batch-read');
    this.#busy++;
    this.#at('publishing');
    if (!this.#isOpen) this.#encoder.beginInterval(this.#writer.claim, this.#number);
    // Schemas are stored as well, and a log takes one publish at a time.
    if (batch.controls.length > 0) await this.#storing;
    await this.#encoder.prepare(batch, this.#writer.signal);
    const appends = this.#encoder.encode(batch);
    failPoint('source.batch-encoded');
    const number = this.#number;
    this.#isOpen = batch.position === undefined;
    if (!this.#isOpen) this.#number++;
    await this.#storing;
    this.#storing = this.#store(batch, appends, number);
    this.#storing.catch((error: unknown) => {
      this.#failure ??= { error };
      this.#settled();
    });
  }

  async #store(batch: Batch, appends: readonly Append[], number: number): Promise<void> {
    // What its records say of themselves: a checkpoint of another number would not cover them.
    if (number !== this.#writer.number) throw new Error(`Checkpoint ${this.#writer.number} follows, not ${number}`);
    try {
      await this.#storeRecords(batch, appends);
    } catch (error) {
      throw error instanceof TooLargeError ? explainTooLarge(error, batch, this.#options.prefix) : error;
    }
    this.#busy--;
    if (this.#busy > 0) this.#at('publishing');
    else this.#rest();
    this.#settled();
  }

  async #storeRecords(batch: Batch, appends: readonly Append[]): Promise<void> {
    const { progress } = this.#options;
    for (const { records } of appends) {
      progress.records += records.count;
      progress.bytes += records.byteLength;
    }
    const { consistent, position, copy, requests } = batch;
    const last = batch.transactions.at(-1);
    // Rows that are read while streaming say nothing of how far the stream is.
    const isRead = last?.xid === 0 && requests !== undefined;
    const committedAt = isRead ? 0 : Math.floor((last?.commitTimeUs ?? 0) / 1000);
    await this.#writer.publish(appends, position, { committedAt, consistent, copy, requests });
    for (const { records } of appends) records.release?.(); // not before: what failed may still be on its way
    progress.changes += batch.length;
    if (position === undefined) failPoint('source.part-stored');
    else await this.#acknowledge(position, committedAt);
  }

  /** An idle checkpoint releases WAL, or says what is copied; one that would fall, or cut a transaction, is none (V1). */
  async #keepalive({ position, consistent, copy, requests }: Batch): Promise<void> {
    const last = this.#writer.position;
    if (position === undefined || this.#isOpen || last === undefined) return;
    const isNew =
      consistent !== this.#writer.consistent || (requests !== undefined && requests !== this.#writer.requests);
    if (position > last || (position === last && isNew)) {
      this.#at('publishing');
      await this.#writer.publish([], position, { committedAt: 0, consistent, copy, requests });
      failPoint('source.idle-stored');
      this.#number = this.#writer.number;
      await this.#acknowledge(position, 0);
      this.#rest();
    } else {
      await this.#held.acknowledge(last);
    }
  }

  async #acknowledge(position: Position, committedAt: number): Promise<void> {
    const { progress } = this.#options;
    this.#at('acknowledging');
    failPoint('source.before-acknowledge');
    await this.#held.acknowledge(position);
    failPoint('source.acknowledged');
    progress.position = position;
    progress.checkpoints++;
    if (committedAt === 0) return;
    progress.committedAt = committedAt;
    progress.storedAt = this.#options.clock.now();
  }

  #at(stage: string): void {
    enter(this.#options.progress, stage, this.#options.clock.now());
  }
}
