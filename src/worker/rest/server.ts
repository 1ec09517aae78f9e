import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setInterval } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { describeError, OperatorError } from '../../errors.ts';
import { LogLevels } from '../../observe/log-levels.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Redactor } from '../../observe/redaction.ts';
import { systemClock } from '../system-clock.ts';
import type { RestConfig } from '../worker-config.ts';
import { createApp } from './app.ts';
import type { DaemonView } from './daemon-view.ts';
import { FailureMemory } from './failure-memory.ts';
import { type Health, judge } from './health.ts';
import { createListener, type Listening } from './listener.ts';

/** The daemon's HTTP server. Disposing of it ends it within a few seconds, whatever its clients do. */
export interface RestServer extends AsyncDisposable {
  /** Where it is reached, without a slash at the end: `http://127.0.0.1:8083`. */
  readonly url: string;
}

export interface RestOptions {
  /** `health.stall.timeout.ms` */
  readonly stallTimeoutMs: number;
  /** What the daemon logs, to be changed by who asks; absent: what they say changes nothing. */
  readonly levels?: LogLevels | undefined;
  /** Takes known secrets out of every answer. */
  readonly redactor?: Redactor;
}

/** How long requests in flight may go on when the server closes. */
const DRAIN_MS = 3_000;

/** How often it is looked which connectors fail: short against any timeout that makes sense. */
const OBSERVE_MS = 1_000;

/**
 * Serves Connect's REST API, the built-in registry, health and metrics until it is disposed of. Throws OperatorError when the address cannot be
 * listened at, there are no credentials to compare with, or TLS cannot be spoken with the key and certificate.
 */
export async function startRest(
  config: RestConfig,
  view: DaemonView,
  logger: Logger,
  { stallTimeoutMs, levels, redactor }: RestOptions,
): Promise<RestServer> {
  requireCredentials(config);
  const closing = new AbortController();
  const failures = new FailureMemory();
  const judgeNow = (): Health => {
    const connectors = view.connectors();
    failures.observe(connectors, systemClock.monotonic());
    return judge(connectors, systemClock.now(), stallTimeoutMs, failures.durations);
  };
  const listening = createListener(config);
  const { server } = listening;
  const app = createApp({
    config,
    view,
    logger,
    redactor,
    levels: levels ?? new LogLevels('info'),
    workerId: () => address(config.host, server),
    judgeNow,
    failingSince: () => {
      const now = systemClock.now();
      return new Map([...failures.ages(systemClock.monotonic())].map(([name, ms]) => [name, now - ms]));
    },
    now: () => systemClock.now(),
    closing: closing.signal,
  });
  answer(server, config, app);
  await listen(server, config);
  // Such as too many open files: who asks can wait, the connectors go on.
  server.on('error', (error) => logger.warn('connection not accepted', { message: describeError(error) }));
  const look = (): void => failures.observe(view.connectors(), systemClock.monotonic());
  const looking = repeat(look, closing.signal).catch((error: unknown) => {
    logger.error('failures are not watched any more', { message: describeError(error) });
  });
  let closed: Promise<unknown> | undefined;
  return {
    url: `${config.https ? 'https' : 'http'}://${address(reachable(config.host), server)}`,
    async [Symbol.asyncDispose]() {
      closing.abort();
      closed ??= Promise.all([close(listening), looking]);
      await closed;
    },
  };
}

function answer(server: Server, { host }: RestConfig, app: Pick<Hono, 'fetch'>): void {
  const listener = getRequestListener(app.fetch, {
    hostname: host, // stands in for the Host header that HTTP 1.0 lacks
    overrideGlobalObjects: false,
    errorHandler: () => Response.json({ error_code: 400, message: 'HTTP 400 Bad Request' }, { status: 400 }),
  });
  server.on('request', (request, response) => void listener(request, response));
}

function requireCredentials({ authentication, credentials }: RestConfig): void {
  if (authentication === 'none' || (credentials !== undefined && credentials !== '')) return;
  throw new OperatorError(`rest.authentication is ${authentication}, but there are no credentials`, {
    advice: 'Set the credentials too, or rest.authentication=none.',
  });
}

async function listen(server: Server, { host, port }: RestConfig): Promise<void> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const why = LISTEN_ERRORS[code] ?? { what: 'cannot be listened at', advice: 'Name another address' };
    const place = `${bracketed(host)}:${port}`;
    throw new OperatorError(`Address ${place} ${why.what}`, {
      cause,
      advice: `${why.advice}: set listeners, such as listeners=http://127.0.0.1:8084.`,
    });
  }
}

const LISTEN_ERRORS: Readonly<Record<string, { readonly what: string; readonly advice: string }>> = {
  EADDRINUSE: {
    what: 'is in use',
    advice: 'Stop the program that listens there, perhaps another Rowcast, or use another port',
  },
  EACCES: { what: 'may not be listened at', advice: 'Ports below 1024 need a privilege; use another one' },
  EADDRNOTAVAIL: { what: 'does not belong to this machine', advice: 'Use 127.0.0.1, or 0.0.0.0 for all addresses' },
  ENOTFOUND: { what: 'is not a known name', advice: 'Use 127.0.0.1, or 0.0.0.0 for all addresses' },
};

async function repeat(look: () => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of setInterval(OBSERVE_MS, undefined, { signal, ref: false })) look();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Takes no more connections, ends those that rest, lets requests in flight end (their answers say `Connection: close`), then ends all. */
async function close(listening: Listening): Promise<void> {
  const { server } = listening;
  const closed = once(server, 'close');
  server.close();
  const late = setTimeout(() => listening.closeAll(), DRAIN_MS);
  await closed;
  clearTimeout(late);
}

/** `host:port` with the port that is really listened at. */
function address(host: string, server: Server): string {
  return `${bracketed(host)}:${(server.address() as AddressInfo | null)?.port ?? 0}`;
}

/** An address at which this machine reaches a server that listens at all of its addresses. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
