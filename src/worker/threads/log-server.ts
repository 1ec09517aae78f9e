import type { MessagePort, Transferable } from 'node:worker_threads';
import { TransientError } from '../../errors.ts';
import type { Log, Published, Span } from '../../log/log.ts';
import {
  type LogAnswers,
  type LogRequest,
  packFetch,
  type PublishRequest,
  type ToLogClient,
  type ToLogServer,
  unpackAppends,
} from './log-messages.ts';
import { sentError } from './sent-error.ts';

/** Serves one task's thread. */
export interface LogServer {
  /** Ends what is asked for and resolves when nothing of it is under way any more; also needed when the port was closed. */
  close(): Promise<void>;
}

/**
 * Serves `log` to a client at the other end of `port` (log-client.ts). `log` must be one that several tasks may publish to at once
 * (serialLog); it stays the caller's.
 */
export function serveLog(log: Log, port: MessagePort): LogServer {
  return new PortServer(log, port);
}

class PortServer implements LogServer {
  readonly #log: Log;
  readonly #port: MessagePort;
  readonly #aborts = new Map<number, AbortController>();
  readonly #running = new Set<Promise<void>>();
  #isClosed = false;

  constructor(log: Log, port: MessagePort) {
    this.#log = log;
    this.#port = port;
    port.on('message', (message: ToLogServer) => this.#receive(message));
    port.on('close', () => this.#end());
  }

  async close(): Promise<void> {
    this.#end();
    this.#port.close();
    await Promise.all(this.#running);
  }

  #end(): void {
    this.#isClosed = true;
    for (const abort of this.#aborts.values()) abort.abort();
  }

  #receive(message: ToLogServer): void {
    if (message.kind === 'abort') {
      this.#aborts.get(message.id)?.abort();
    } else if (!this.#isClosed) {
      const run = this.#serve(message.id, message.request).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  async #serve(id: number, request: LogRequest): Promise<void> {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    try {
      const answer = await this.#answer(request, abort.signal);
      if (request.method === 'read') {
        const packed = packFetch(answer as Awaited<ReturnType<Log['read']>>);
        this.#post({ kind: 'answer', id, answer: packed }, [packed.bytes]);
      } else {
        this.#post({ kind: 'answer', id, answer: answer as LogAnswers[keyof LogAnswers] });
      }
    } catch (error) {
      if (abort.signal.aborted && error === abort.signal.reason) this.#post({ kind: 'aborted', id });
      else this.#post({ kind: 'error', id, error: sentError(error) });
    } finally {
      this.#aborts.delete(id);
    }
  }

  async #answer(request: LogRequest, signal: AbortSignal): Promise<unknown> {
    const log = this.#log;
    switch (request.method) {
      case 'open':
        return log.clusterId;
      case 'topics':
        return await log.topics(request.names, signal);
      case 'createTopics':
        return await log.createTopics(request.specs, signal);
      case 'publish':
        return await publish(log, request, signal);
      case 'read':
        return await log.read(request.cursors, request.maxBytes, request.maxWaitMs, signal);
      case 'bounds':
        return await log.bounds(request.topic, request.partition, signal);
      case 'trim':
        return await log.trim(request.topic, request.partition, request.before, signal);
      case 'release':
        return await log.release(request.reader, request.scope, request.cursors, signal);
      default:
        return request satisfies never;
    }
  }

  #post(message: ToLogClient, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}

async function publish(log: Log, { appends, checkpoint }: PublishRequest, signal: AbortSignal): Promise<Published> {
  const checkpointOf =
    checkpoint &&
    ((spans: readonly Span[]) => {
      // Thrown before anything is stored; a checkpoint that names other records than its own would lose rows.
      if (!areEqual(spans, checkpoint.spans))
        throw new TransientError('Somebody else wrote to the same topics meanwhile');
      return unpackAppends(checkpoint.appends);
    });
  return await log.publish(unpackAppends(appends), checkpointOf, signal);
}

function areEqual(some: readonly Span[], others: readonly Span[]): boolean {
  if (some.length !== others.length) return false;
  return some.every(({ topic, partition, base, count }, i) => {
    const other = others[i] as Span;
    return topic === other.topic && partition === other.partition && base === other.base && count === other.count;
  });
}
