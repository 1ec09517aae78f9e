import { OperatorError, TransientError } from '../../errors.ts';
import type { OperatorAnswer, OperatorRequest } from '../rest/daemon-view.ts';
import type { RestConfig } from '../worker-config.ts';

type Credentials = Pick<RestConfig, 'authentication' | 'credentials'>;

/**
 * Asks a daemon that runs to carry out a request; undefined when nobody answers at its address (it has just ended, or left its file
 * behind). Throws OperatorError or TransientError with what the daemon says.
 */
export async function askDaemon(
  url: string,
  rest: Credentials | undefined,
  request: OperatorRequest,
  signal: AbortSignal,
): Promise<OperatorAnswer | undefined> {
  const body = JSON.stringify(request);
  const headers = { ...authorization(rest), 'content-type': 'application/json' };
  const response = await send(`${url}/rowcast/v1/operate`, { method: 'POST', headers, body, signal });
  if (response === undefined) return undefined;
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok && isAnswer(answer)) return answer;
  throw refusal(url, response.status, answer);
}

/**
 * What a daemon that runs answers to a GET of `path`, whatever it says of itself with a status of 503; undefined when nobody answers at its
 * address. Throws as `askDaemon` does.
 */
export async function readDaemon(
  url: string,
  rest: Credentials | undefined,
  path: string,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const response = await send(`${url}${path}`, { headers: { ...authorization(rest), ...more }, signal });
  if (response === undefined) return undefined;
  const answer: unknown = await response.json().catch(() => undefined);
  if (answer !== undefined && (response.ok || response.status === 503)) return answer;
  throw refusal(url, response.status, answer);
}

/** Has a daemon that runs change something by Connect's REST API; false when nobody answers at its address. Throws as `askDaemon` does. */
export async function changeByDaemon(
  url: string,
  rest: Credentials | undefined,
  method: string,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  const response = await send(`${url}${path}`, { method, headers: authorization(rest), signal });
  if (response === undefined) return false;
  const text = await response.text();
  if (response.ok) return true;
  throw refusal(url, response.status, parsed(text));
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

async function send(url: string, init: RequestInit): Promise<Response | undefined> {
  try {
    return await fetch(url, init);
  } catch (error) {
    init.signal?.throwIfAborted();
    const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
    if (code === 'ECONNREFUSED') return undefined;
    throw new TransientError(`The daemon at ${url} did not answer`, { cause: error });
  }
}

function authorization(rest: Credentials | undefined): Record<string, string> {
  if (rest?.credentials === undefined || rest.authentication === 'none') return {};
  const { authentication, credentials } = rest;
  const value =
    authentication === 'basic' ? `Basic ${Buffer.from(credentials).toString('base64')}` : `Bearer ${credentials}`;
  return { authorization: value };
}

function isAnswer(value: unknown): value is OperatorAnswer {
  return typeof value === 'object' && value !== null && Array.isArray((value as { lines?: unknown }).lines);
}
