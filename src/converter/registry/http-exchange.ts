import { endAfter } from '../../deadline.ts';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** TLS as PEM texts. */
export interface RegistryTls {
  /** Authorities to trust; undefined: the system's. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  readonly verifyHostname: boolean;
}

/** One request: a POST with a body, else a GET, unless it says another method. */
export interface HttpRequest {
  readonly method?: 'PUT' | 'DELETE';
  readonly url: URL;
  readonly body: string | undefined;
  /** `user:password` */
  readonly credentials: string | undefined;
  readonly tls: RegistryTls | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** What bounds an exchange. */
export interface HttpLimits {
  /** For the whole exchange, redirects included. */
  readonly timeoutMs: number;
  /** Of a body. */
  readonly maxBytes: number;
}

/** An answer that is none of a registry: too large, or a redirect that is not followed. */
export class UnusableAnswer extends Error {}

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 3;

/**
 * Sends one request and reads the whole answer, whatever its status. Follows redirects on the same origin only: credentials and schemas go
 * to nobody else. Throws UnusableAnswer, or the error of the socket, of TLS or of the signal as it is (AbortSignal's TimeoutError when time is up).
 */
export async function exchange(request: HttpRequest, limits: HttpLimits, signal: AbortSignal): Promise<HttpAnswer> {
  const bounded = AbortSignal.any([signal, endAfter(limits.timeoutMs)]);
  let { url } = request;
  for (let left = MAX_REDIRECTS; ; left--) {
    const response = await answerTo({ ...request, url }, bounded);
    const { statusCode: status = 0, headers } = response;
    if (headers.location === undefined || !REDIRECTS.includes(status)) {
      return { status, body: await text(response, limits.maxBytes, bounded) };
    }
    response.destroy();
    if (left === 0) throw new UnusableAnswer(`more than ${MAX_REDIRECTS} redirects`);
    const keepsRequest = (request.body === undefined && request.method === undefined) || status >= 307;
    url = redirected(url, headers.location, keepsRequest);
  }
}

function redirected(from: URL, location: string, keepsRequest: boolean): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to?.origin !== from.origin) throw new UnusableAnswer(`a redirect to ${to?.origin ?? 'an invalid URL'}`);
  if (!keepsRequest) throw new UnusableAnswer('a redirect of a POST');
  return to;
}

function answerTo({ url, method, body, credentials, tls }: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const headers: Record<string, string> = { Accept: `${MEDIA_TYPE}, application/json` };
  if (credentials !== undefined) headers['Authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  if (body !== undefined) {
    headers['Content-Type'] = MEDIA_TYPE;
    headers['Content-Length'] = String(Buffer.byteLength(body));
  }
  // A connection of its own: requests are few, and nothing is left open when the daemon ends.
  const options = { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, agent: false as const, signal };
  return new Promise((resolve, reject) => {
    const sent: ClientRequest =
      url.protocol === 'https:' ? requestHttps(url, { ...options, ...secured(tls) }) : requestHttp(url, options);
    sent.once('response', resolve);
    sent.once('error', (error) => reject(reasonOf(signal, error)));
    sent.end(body);
  });
}

function secured(tls: RegistryTls | undefined): object {
  if (tls === undefined) return {};
  const { ca, cert, key, keyPassword, verifyHostname } = tls;
  return { ca, cert, key, passphrase: keyPassword, ...(!verifyHostname && { checkServerIdentity: () => undefined }) };
}

async function text(response: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new UnusableAnswer(`more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw reasonOf(signal, error);
  }
  return Buffer.concat(chunks).toString();
}

/** Node says AbortError whatever the reason; the reason tells a stop from a timeout. */
function reasonOf(signal: AbortSignal, error: unknown): unknown {
  return signal.aborted ? signal.reason : error;
}
