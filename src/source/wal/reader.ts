import type { Batch } from '../../change/batch.ts';
import type { DdlCommand } from '../../change/ddl.ts';
import type { RawSignal } from '../../change/signal.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';
import { Assembler } from './assembler.ts';
import type { VersionCounter } from '../capture/version-counter.ts';
import { BatchPool } from './batch-pool.ts';
import type { DdlRow } from './ddl/ddl-row.ts';
import { decodeMessage, readRelation, type RelationMessage } from './decoder.ts';
import { KeepalivePacing } from './keepalive.ts';
import type { Relation } from './relation.ts';
import type { ReplicationStream, StreamListener } from './stream.ts';

/** What a reader works with. */
export interface ReaderParts {
  readonly stream: Pick<ReplicationStream, 'listen' | 'pause' | 'resume' | 'answer'> &
    Partial<Pick<ReplicationStream, 'ask'>>;
  /**
   * Asks the catalog what the stream does not tell of a relation. `behind` are such messages that have arrived behind it, the same objects
   * when their turn comes.
   */
  readonly describe: (
    message: RelationMessage,
    previous: TableSchema | undefined,
    behind: readonly RelationMessage[],
  ) => Promise<Relation>;
  /** What a row of the log of DDL says of what is captured. */
  readonly ddl?: (row: DdlRow) => DdlCommand | undefined;
  /** Hears a signal, before anything that comes behind it. */
  readonly signal?: (signal: RawSignal) => Promise<void>;
  readonly clock: Clock;
  readonly versions: VersionCounter;
  readonly from: number;
  readonly maxBatchBytes: number;
}

/** What arrived while a relation was looked up: copies of messages, and keepalives in between. */
type Late =
  | { readonly bytes: Buffer; readonly lsn: number; readonly relation?: RelationMessage | undefined }
  | { readonly bytes: undefined; readonly walEnd: number; readonly replyRequested: boolean };

/**
 * Reads one stream from `from` on: feeds its messages to the assembler and hands batches out as they are asked for. The socket is
 * paused while a full batch waits, decided inside the call that brings the data (a later moment comes 2 MB too late).
 */
export class WalReader implements StreamListener {
  readonly #parts: ReaderParts;
  readonly #pool = new BatchPool();
  readonly #assembler: Assembler;
  readonly #pacing: KeepalivePacing;
  /** Full batches; more than one only within one read of the socket. */
  readonly #full: Batch[] = [];
  #late: Late[] | undefined;
  #failure: unknown;
  #wake: (() => void) | undefined;
  #isWakePlanned = false;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    const { from, maxBatchBytes, versions, clock } = parts;
    this.#pacing = new KeepalivePacing(from, clock.monotonic());
    const ports = {
      relation: (message: RelationMessage) => this.#lookUp(message),
      full: (batch: Batch) => {
        this.#full.push(batch);
        parts.stream.pause();
        this.#notify();
      },
      idle: (endLsn: number) => this.#pacing.seen(endLsn),
      newBatch: () => this.#pool.get(),
      ddl: (row: DdlRow) => parts.ddl?.(row),
      signal: (signal: RawSignal) => this.#hear(signal),
    };
    this.#assembler = new Assembler(ports, from, maxBatchBytes, versions);
  }

  /** Yields batches until `signal` aborts; throws what ended the stream. */
  async *batches(signal: AbortSignal): AsyncGenerator<Batch> {
    const { stream } = this.#parts;
    stream.listen(this);
    this.#resume(); // what had come early may have begun a look-up, or filled a batch
    const abort = (): void => this.#notify();
    signal.addEventListener('abort', abort);
    try {
      for (let batch = await this.#next(signal); batch; batch = await this.#next(signal)) {
        yield batch;
        this.#pool.yielded(batch);
      }
    } finally {
      signal.removeEventListener('abort', abort);
      stream.pause();
    }
  }

  /** The next idle position is handed out at once. */
  hurry(): void {
    this.#pacing.hurry();
    this.#notify();
  }

  /** The server heard a new position. */
  acknowledged(): void {
    this.#pacing.acknowledged();
  }

  /** Makes haste to come to a position: the server, asked, tells where its WAL ends, and an idle one is handed out at once. */
  want(lsn: number): void {
    this.#pacing.want(lsn);
    this.#parts.stream.ask?.();
    this.#planWake();
  }

  message(bytes: Buffer, start: number, end: number, lsn: number): void {
    if (this.#late) {
      this.#keep(Buffer.from(bytes.subarray(start, end)), lsn);
      return;
    }
    this.#feed(bytes, start, end, lsn);
    this.#planWake();
  }

  keepalive(walEnd: number, replyRequested: boolean): void {
    if (this.#late) {
      this.#late.push({ bytes: undefined, walEnd, replyRequested });
      return;
    }
    // Inside a transaction the WAL's end is beyond what is not yet published.
    if (!this.#assembler.inTransaction) this.#pacing.seen(walEnd);
    if (replyRequested) {
      const isVain = this.#pacing.requested(this.#parts.clock.monotonic());
      if (isVain) this.failed(new TransientError('The server waits for a position that the log does not store'));
      else this.#parts.stream.answer();
    }
    this.#planWake();
  }

  failed(error: unknown): void {
    this.#failure ??= error;
    this.#notify();
  }

  async #next(signal: AbortSignal): Promise<Batch | undefined> {
    for (;;) {
      if (signal.aborted) return undefined;
      const batch = this.#takeFull() ?? this.#assembler.take() ?? this.#takeIdle();
      if (batch) {
        if (batch.length > 0 && batch.position !== undefined) {
          this.#pacing.moved(Number.parseInt(batch.position, 16), this.#parts.clock.monotonic());
        }
        return batch;
      }
      if (this.#failure !== undefined) throw this.#failure;
      await this.#wait();
    }
  }

  #takeFull(): Batch | undefined {
    const batch = this.#full.shift();
    if (batch) this.#resume();
    return batch;
  }

  #resume(): void {
    if (this.#full.length === 0 && !this.#late) this.#parts.stream.resume();
  }

  #takeIdle(): Batch | undefined {
    if (this.#late || this.#assembler.inTransaction || !this.#assembler.isEmpty) return undefined;
    const idle = this.#pacing.take(this.#parts.clock.monotonic());
    if (!idle) return undefined;
    const batch = this.#pool.get();
    batch.position = lsnToPosition(idle.lsn);
    batch.urgent = idle.urgent;
    return batch;
  }

  /** Waits for something to hand out: data, an idle position that falls due, a failure or an abort. */
  async #wait(): Promise<void> {
    const { clock } = this.#parts;
    // As in #takeIdle: an idle position that cannot be taken now is no reason to wake up.
    const isBusy = this.#late !== undefined || this.#assembler.inTransaction;
    const dueMs = isBusy ? Number.POSITIVE_INFINITY : this.#pacing.dueAt() - clock.monotonic();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (!Number.isFinite(dueMs)) return await woken;
    const over = new AbortController();
    const due = clock.sleep(Math.max(1, dueMs), over.signal).catch(() => undefined); // rejects when data comes first
    await Promise.race([woken, due]);
    over.abort();
  }

  /** Wakes the waiter after everything that the socket holds now was taken in: small batches when little comes, large ones otherwise. */
  #planWake(): void {
    if (this.#isWakePlanned || !this.#wake) return;
    this.#isWakePlanned = true;
    setImmediate(() => {
      this.#isWakePlanned = false;
      this.#notify();
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #keep(bytes: Buffer, lsn: number): void {
    if (this.#failure !== undefined) return;
    try {
      this.#late?.push({ bytes, lsn, relation: readRelation(bytes, 0, bytes.length) });
    } catch (error) {
      this.failed(error);
    }
  }

  #feed(bytes: Buffer, start: number, end: number, lsn: number): void {
    if (this.#failure !== undefined) return;
    try {
      this.#assembler.lsn = lsn;
      decodeMessage(bytes, start, end, this.#assembler);
    } catch (error) {
      this.failed(error); // it must not reach the socket, where it would end the process
    }
  }

  #feedRelation(message: RelationMessage, lsn: number): void {
    if (this.#failure !== undefined) return;
    this.#assembler.lsn = lsn;
    this.#assembler.relation(message);
  }

  /** Stream first, catalog second: what arrives meanwhile waits as copies, at most what the socket had read already. */
  #lookUp(message: RelationMessage): void {
    const { stream, describe } = this.#parts;
    this.#late = [];
    stream.pause();
    const previous = this.#assembler.tableOf(message.relationId);
    Promise.resolve() // by then there is what the socket had read, with what is to be looked up next
      .then(() => describe(message, previous, this.#relationsBehind()))
      .then((relation) => {
        this.#assembler.setRelation(relation);
        this.#catchUp();
      })
      .catch((error: unknown) => this.failed(error));
  }

  #relationsBehind(): readonly RelationMessage[] {
    return (this.#late ?? []).flatMap((item) => (item.bytes && item.relation) ?? []);
  }

  /** What follows waits, so that the batch which ends the signal's transaction tells of what it asks for. */
  #hear(signal: RawSignal): void {
    const { stream, signal: hear } = this.#parts;
    if (!hear) return;
    this.#late = [];
    stream.pause();
    hear(signal)
      .then(() => this.#catchUp())
      .catch((error: unknown) => this.failed(error));
  }

  /** Takes in what arrived during a look-up, up to the next one. */
  #catchUp(): void {
    const late = this.#late ?? [];
    this.#late = undefined;
    for (const [i, item] of late.entries()) {
      if (item.bytes && item.relation) this.#feedRelation(item.relation, item.lsn);
      else if (item.bytes) this.#feed(item.bytes, 0, item.bytes.length, item.lsn);
      else this.keepalive(item.walEnd, item.replyRequested);
      if (this.#isLookingUp()) {
        this.#late = late.slice(i + 1);
        return;
      }
    }
    this.#resume();
    this.#planWake();
  }

  #isLookingUp(): boolean {
    return this.#late !== undefined;
  }
}
