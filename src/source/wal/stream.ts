import type { ClientConfig } from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication';
import { END_TIMEOUT_MS, socketOf } from '../../postgres/bounded-client.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { TransientError } from '../../errors.ts';
import { tryConnect } from '../../postgres/connect.ts';
import { postgresError } from '../../postgres/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { RawPgoutputPlugin } from './plugin.ts';
import { Tap } from './tap.ts';

/** Who hears the stream. Calls are synchronous, in the order of the wire, and must not throw. */
export interface StreamListener {
  /** A pgoutput message, good until the call returns. */
  message(bytes: Buffer, start: number, end: number, lsn: number): void;
  keepalive(walEnd: number, replyRequested: boolean): void;
  /** The stream has ended: nothing follows. */
  failed(error: Error): void;
}

export interface StreamOptions {
  readonly connection: ConnectionSettings;
  readonly application: string;
  readonly slot: string;
  readonly publication: string;
}

/** A server that says nothing for this long although it was asked to is gone, whatever the socket says. */
const SILENCE_MS = 120_000;
/** A request is answered with the old position if no newer one is stored by then; below the server's own repeat. */
const ANSWER_DELAY_MS = 500;
/** The server hears of stored positions at most this often: each message wakes its walsender, and costs both sides a system call. */
const ACKNOWLEDGE_MS = 10;

/**
 * An open replication stream. It holds the slot until it is closed, begins paused, acknowledges only what `acknowledge` says,
 * and tells the server so at every interval, however long it is paused (F1).
 */
export class ReplicationStream implements AsyncDisposable {
  readonly #service: LogicalReplicationService;
  readonly #slot: string;
  readonly #plugin: RawPgoutputPlugin;
  readonly #tap: Tap;
  #hasSession = false;
  #listener: StreamListener | undefined;
  /** What came before there was a listener: the rest of one read of the socket, which was paused in its middle. */
  readonly #early: ((listener: StreamListener) => void)[] = [];
  #failure: Error | undefined;
  #acknowledged = 0;
  #status: NodeJS.Timeout | undefined;
  #answer: NodeJS.Timeout | undefined;
  #late: NodeJS.Timeout | undefined;
  #sentAt = 0;
  #resumedAt = 0;
  #isPaused = true;
  #isClosed = false;

  private constructor(config: ClientConfig, { slot, publication }: StreamOptions) {
    this.#slot = slot;
    this.#tap = new Tap(Boolean(config.ssl), {
      message: (bytes, start, end, lsn) => this.#plugin.parse(bytes, start, end, lsn),
      keepalive: (walEnd, replyRequested) => this.#heard((listener) => listener.keepalive(walEnd, replyRequested)),
    });
    this.#plugin = new RawPgoutputPlugin({
      publication,
      onSession: (client) => {
        this.#hasSession = true;
        this.#tap.attach(socketOf(client));
      },
      onMessage: (bytes, start, end, lsn) => this.#message(bytes, start, end, lsn),
    });
    const acknowledge = { auto: false, timeoutSeconds: 0 };
    this.#service = new LogicalReplicationService({ ...config, stream: () => this.#tap.raw }, { acknowledge });
  }

  /** Resolves when the server has begun to stream; throws TransientError while another connection holds the slot. */
  static async open(options: StreamOptions, signal: AbortSignal): Promise<ReplicationStream> {
    const extra = { replication: 'database' };
    return await tryConnect(options.connection, options.application, extra, async (config) => {
      const stream = new ReplicationStream(config, options);
      try {
        await stream.#start(signal);
        return stream;
      } catch (error) {
        await stream.close();
        throw error;
      }
    });
  }

  /** Starts the status messages: they repeat `lsn`, where the slot stands, until something newer is acknowledged. */
  keepAt(lsn: number, intervalMs: number): void {
    this.#acknowledged = lsn;
    this.#status = setInterval(() => this.#tick(intervalMs), intervalMs);
    this.#status.unref();
  }

  /** Messages go to the listener from now on, those first that came with the server's consent to stream. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
    for (const deliver of this.#early.splice(0)) deliver(listener);
    if (this.#failure) listener.failed(this.#failure);
  }

  pause(): void {
    this.#isPaused = true;
    this.#tap.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#resumedAt = performance.now();
    this.#tap.resume();
  }

  /** Everything below `lsn` is stored: the server may forget it, and hears so within some milliseconds. Never falls. */
  acknowledge(lsn: number): void {
    if (lsn > this.#acknowledged) this.#acknowledged = lsn;
    const waitMs = this.#sentAt + ACKNOWLEDGE_MS - performance.now();
    if (waitMs <= 0) this.#send(false);
    else this.#late ??= setTimeout(() => this.#send(false), waitMs);
  }

  /** Answers a request, later if nothing is acknowledged before: answers and requests chase each other otherwise (A11). */
  answer(): void {
    this.#answer ??= setTimeout(() => this.#send(false), ANSWER_DELAY_MS);
  }

  /** Asks the server where its WAL ends. */
  ask(): void {
    this.#send(true);
  }

  async close(): Promise<void> {
    if (this.#late) this.#send(false);
    this.#isClosed = true;
    clearInterval(this.#status);
    clearTimeout(this.#answer);
    this.#listener = undefined;
    const late = setTimeout(() => this.#tap.raw.destroy(), END_TIMEOUT_MS);
    try {
      await this.#service.destroy();
    } finally {
      clearTimeout(late);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #message(bytes: Buffer, start: number, end: number, lsn: number): void {
    if (this.#listener) return this.#listener.message(bytes, start, end, lsn);
    const copy = Buffer.from(bytes.subarray(start, end));
    this.#heard((listener) => listener.message(copy, 0, copy.length, lsn));
  }

  #heard(deliver: (listener: StreamListener) => void): void {
    if (this.#listener) deliver(this.#listener);
    else if (!this.#isClosed) this.#early.push(deliver);
  }

  async #start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const service = this.#service;
    let abort = (): void => undefined;
    await new Promise<void>((resolve, reject) => {
      abort = () => reject(signal.reason);
      const fail = (error: unknown): void => {
        // Without effect once the stream has started. Before there is a session it was the connection that failed.
        reject(this.#hasSession ? postgresError(error, `Cannot stream from slot "${this.#slot}"`) : error);
        this.#fail(error);
      };
      service.on('error', fail);
      service.once('start', () => {
        this.pause();
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
      service
        .subscribe(this.#plugin, this.#slot, '0/0')
        .then(() => fail(new TransientError('The server ended the stream')), fail);
    }).finally(() => signal.removeEventListener('abort', abort)); // the signal outlives many streams
  }

  #fail(error: unknown): void {
    if (this.#isClosed || this.#failure) return;
    this.#failure = postgresError(error, `The replication stream of slot "${this.#slot}" broke`);
    clearInterval(this.#status);
    this.#listener?.failed(this.#failure);
  }

  #tick(intervalMs: number): void {
    const silentMs = this.#isPaused ? 0 : performance.now() - Math.max(this.#resumedAt, this.#tap.heardAt);
    if (silentMs > SILENCE_MS) this.#fail(new TransientError(`The server of slot "${this.#slot}" has fallen silent`));
    else this.#send(silentMs > intervalMs);
  }

  #send(ping: boolean): void {
    clearTimeout(this.#answer);
    clearTimeout(this.#late);
    this.#answer = undefined;
    this.#late = undefined;
    this.#sentAt = performance.now();
    if (this.#isClosed || this.#failure || this.#acknowledged === 0) return;
    // Invariant 3: the library adds one.
    this.#service.acknowledge(formatLsn(this.#acknowledged - 1), ping).catch((error: unknown) => this.#fail(error));
  }
}
