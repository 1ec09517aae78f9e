import { OperatorError, TransientError } from '../../errors.ts';
import type { OperatorAnswer, OperatorRequest } from '../rest/daemon-view.ts';
import type { RestConfig } from '../worker-config.ts';
import { type DaemonPlace, type DaemonReply, type DaemonRequest, exchangeWithDaemon } from './daemon-exchange.ts';

type Settings = Pick<RestConfig, 'authentication' | 'credentials'> & Partial<Pick<RestConfig, 'https'>>;

/**
 * Asks a daemon that runs to carry out a request; undefined when nobody answers at its address (it has just ended, or left its file
 * behind). Throws OperatorError or TransientError with what the daemon says.
 */
export async function askDaemon(
  daemon: DaemonPlace,
  rest: Settings | undefined,
  request: OperatorRequest,
  signal: AbortSignal,
): Promise<OperatorAnswer | undefined> {
  const body = JSON.stringify(request);
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  const reply = await send(daemon, rest, { method: 'POST', path: '/rowcast/v1/operate', headers, body }, signal);
  if (reply === undefined) return undefined;
  const answer = parsed(reply.text);
  if (isOk(reply) && isAnswer(answer)) return answer;
  throw refusal(daemon.url, reply.status, answer);
}

/**
 * What a daemon that runs answers to a GET of `path`, whatever it says of itself with a status of 503; undefined when nobody answers at its
 * address. Throws as `askDaemon` does.
 */
export async function readDaemon(
  daemon: DaemonPlace,
  rest: Settings | undefined,
  path: string,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const reply = await send(daemon, rest, { path, headers: more }, signal);
  if (reply === undefined) return undefined;
  const answer = parsed(reply.text);
  if (answer !== undefined && (isOk(reply) || reply.status === 503)) return answer;
  throw refusal(daemon.url, reply.status, answer);
}

/** Has a daemon that runs change something by Connect's REST API; false when nobody answers at its address. Throws as `askDaemon` does. */
export async function changeByDaemon(
  daemon: DaemonPlace,
  rest: Settings | undefined,
  method: string,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const reply = await send(daemon, rest, { method, path, headers: {} }, signal);
  if (reply === undefined) return false;
  if (isOk(reply)) return true;
  throw refusal(daemon.url, reply.status, parsed(reply.text));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(url: string, status: number, answer: unknown): OperatorError | TransientError {
  const { message, advice } = (answer ?? {}) as { readonly message?: string; readonly advice?: string };
  const what = `The daemon at ${url} answered ${status}${message === undefined ? '' : `: ${message}`}`;
  if (status === 401) {
    return new OperatorError(what, {
      advice: 'Give this command the settings of the daemon (--config, ROWCAST_*): it uses their rest.credentials.',
    });
  }
  const more = advice === undefined ? {} : { advice };
  if (status === 503) return new TransientError(message ?? what, more);
  return new OperatorError(status === 409 && message !== undefined ? message : what, more);
}

async function send(
  daemon: DaemonPlace,
  rest: Settings | undefined,
  request: DaemonRequest,
  signal: AbortSignal,
): Promise<DaemonReply | undefined> {
  const headers = { ...authorization(rest), ...request.headers };
  return await exchangeWithDaemon(daemon, rest?.https, { ...request, headers }, signal);
}

function isOk({ status }: DaemonReply): boolean {
  return status >= 200 && status < 300;
}

function authorization(rest: Settings | undefined): Record<string, string> {
  if (rest?.credentials === undefined || rest.authentication === 'none') return {};
  const { authentication, credentials } = rest;
  const value =
    authentication === 'basic' ? `Basic ${Buffer.from(credentials).toString('base64')}` : `Bearer ${credentials}`;
  return { authorization: value };
}

function isAnswer(value: unknown): value is OperatorAnswer {
  return typeof value === 'object' && value !== null && Array.isArray((value as { lines?: unknown }).lines);
}
