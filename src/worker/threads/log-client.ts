import type { MessagePort, Transferable } from 'node:worker_threads';
import { TransientError } from '../../errors.ts';
import type { Append, Cursor, Fetched, Log, Published, Span, Topic, TopicSpec } from '../../log/log.ts';
import {
  type LogAnswers,
  type LogRequest,
  packAppends,
  type ToLogClient,
  type ToLogServer,
  unpackFetch,
} from './log-messages.ts';
import { receivedError } from './sent-error.ts';

/** The end of a port at which a log of another thread is used, by one run of a task after another. */
export class LogLink {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (message: ToLogClient) => void>();
  #id = 0;
  #isClosed = false;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: ToLogClient) => this.#waiting.get(message.id)?.(message));
    port.on('close', () => this.#fail());
  }

  /** The log at the other end. Disposing of it leaves the link open for the next one. */
  async open(signal: AbortSignal): Promise<Log> {
    return new PortLog(await this.call({ method: 'open' }, signal), this);
  }

  close(): void {
    this.#port.close();
  }

  /**
   * Asks, and waits for the answer. An abort rejects at once with the signal's reason, or, when the outcome has to be known
   * (`isAwaited`), with whatever the log answers to the abort.
   */
  call<M extends LogRequest['method']>(
    request: Extract<LogRequest, { method: M }>,
    signal: AbortSignal,
    { transfer = [], isAwaited = false }: { transfer?: readonly Transferable[]; isAwaited?: boolean } = {},
  ): Promise<LogAnswers[M]> {
    const id = this.#id++;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#isClosed) return reject(closed());
      const end = (): void => {
        this.#waiting.delete(id);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        this.#port.postMessage({ kind: 'abort', id } satisfies ToLogServer);
        if (isAwaited) return;
        end();
        reject(signal.reason);
      };
      this.#waiting.set(id, (message) => {
        end();
        if (message.kind === 'answer') resolve(message.answer as LogAnswers[M]);
        else reject(message.kind === 'error' ? receivedError(message.error) : (signal.reason ?? closed()));
      });
      signal.addEventListener('abort', onAbort, { once: true });
      this.#port.postMessage({ kind: 'request', id, request } satisfies ToLogServer, transfer);
    });
  }

  #fail(): void {
    this.#isClosed = true;
    for (const [id, settle] of this.#waiting) settle({ kind: 'aborted', id });
  }
}

/** Callers give objects of their own classes, whose getters would be lost on the way. */
function plain(cursors: readonly Cursor[]): readonly Cursor[] {
  return cursors.map(({ topic, partition, offset, maxBytes }) => {
    return maxBytes === undefined ? { topic, partition, offset } : { topic, partition, offset, maxBytes };
  });
}

function closed(): TransientError {
  return new TransientError('The connection to the embedded log was closed');
}

/** `Log` over a link; contract in log.ts. */
class PortLog implements Log {
  readonly clusterId: string;
  readonly #link: LogLink;
  /** The next offset of partitions that this client has published to: it is their only writer, or will be told. */
  readonly #ends = new Map<string, number>();
  #isPublishing = false;

  constructor(clusterId: string, link: LogLink) {
    this.clusterId = clusterId;
    this.#link = link;
  }

  topics(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Topic>> {
    return this.#link.call({ method: 'topics', names }, signal);
  }

  createTopics(specs: readonly TopicSpec[], signal: AbortSignal): Promise<void> {
    return this.#link.call({ method: 'createTopics', specs }, signal);
  }

  /**
   * Data and checkpoint go in one message, and so in one commit: offsets are dense, so the spans are known beforehand. Should they turn
   * out otherwise, the log stores nothing and this is a TransientError.
   */
  async publish(
    appends: readonly Append[],
    checkpointOf: ((spans: readonly Span[]) => readonly Append[]) | undefined,
    signal: AbortSignal,
  ): Promise<Published> {
    if (this.#isPublishing) throw new Error('A publish was begun before the previous one had ended');
    this.#isPublishing = true;
    try {
      const spans = checkpointOf && (await this.#foresee(appends, signal));
      const published = await this.#send(appends, spans && { spans, appends: checkpointOf(spans) }, signal);
      for (const { topic, partition, base, count } of [...published.spans, ...published.checkpoint]) {
        this.#ends.set(`${topic}/${partition}`, base + count);
      }
      return published;
    } catch (error) {
      this.#ends.clear();
      throw error;
    } finally {
      this.#isPublishing = false;
    }
  }

  async read(
    cursors: readonly Cursor[],
    maxBytes: number,
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Fetched[]> {
    return unpackFetch(await this.#link.call({ method: 'read', cursors: plain(cursors), maxBytes, maxWaitMs }, signal));
  }

  bounds(topic: string, partition: number, signal: AbortSignal): Promise<LogAnswers['bounds']> {
    return this.#link.call({ method: 'bounds', topic, partition }, signal);
  }

  trim(topic: string, partition: number, before: number, signal: AbortSignal): Promise<void> {
    return this.#link.call({ method: 'trim', topic, partition, before }, signal);
  }

  release(reader: string, scope: string, cursors: readonly Cursor[], signal: AbortSignal): Promise<void> {
    return this.#link.call({ method: 'release', reader, scope, cursors: plain(cursors) }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The spans that `appends` will be given when nobody else writes to their partitions. */
  async #foresee(appends: readonly Append[], signal: AbortSignal): Promise<readonly Span[]> {
    const ends = new Map<string, number>();
    const spans: Span[] = [];
    for (const { topic, partition, records } of appends) {
      const key = `${topic}/${partition}`;
      const base = ends.get(key) ?? this.#ends.get(key) ?? (await this.bounds(topic, partition, signal)).end;
      ends.set(key, base + records.count);
      spans.push({ topic, partition, base, count: records.count });
    }
    return spans;
  }

  async #send(
    appends: readonly Append[],
    checkpoint: { readonly spans: readonly Span[]; readonly appends: readonly Append[] } | undefined,
    signal: AbortSignal,
  ): Promise<Published> {
    const data = packAppends(appends);
    const records = checkpoint && packAppends(checkpoint.appends);
    return await this.#link.call(
      {
        method: 'publish',
        appends: data,
        checkpoint: checkpoint && records && { spans: checkpoint.spans, appends: records },
      },
      signal,
      { transfer: [data.bytes, ...(records ? [records.bytes] : [])], isAwaited: true },
    );
  }
}
