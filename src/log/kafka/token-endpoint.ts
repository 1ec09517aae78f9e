import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { endAfter } from '../../deadline.ts';
import { OperatorError, TransientError } from '../../errors.ts';

/** Who asks for tokens, and where, by OAuth's client credentials grant. Never printed (Invariant 11). */
export interface OAuthClient {
  readonly endpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  /** `sasl.oauthbearer.header.urlencode`: id and secret as RFC 6749 has them, which not every provider takes. */
  readonly urlEncodes: boolean;
  readonly extensions: Readonly<Record<string, string>>;
  /** For an endpoint on https. */
  readonly tls: ConnectionOptions;
}

export interface GivenToken {
  readonly value: string;
  readonly lifetimeMs: number;
}

const TIMEOUT_MS = 10_000;
/** Tokens have a few thousand bytes. */
const MAX_BYTES = 256 * 1024;
/** Of a token that says of itself nothing that is understood. */
const UNKNOWN_LIFETIME_MS = 60_000;
/** RFC 6750, b64token: nothing that ends the field that it is sent in. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Asks the endpoint for a token. Follows no redirects: the secret goes to nobody else. Throws OperatorError when somebody has to correct
 * something, else TransientError; both name the endpoint, and hold nothing that it answered but OAuth's own word for what is wrong.
 * @see https://datatracker.ietf.org/doc/html/rfc6749#section-4.4
 */
export async function askForToken(client: OAuthClient, now: number): Promise<GivenToken> {
  const place = `Token endpoint ${shown(client.endpoint)}`;
  const { status, body } = await exchange(client, place);
  const answer = parsed(body);
  if (status < 200 || status > 299) throw refusal(place, status, answer['error']);
  const { access_token: value, expires_in: expiresIn } = answer;
  if (typeof value !== 'string' || !TOKEN.test(value)) {
    throw new OperatorError(`${place} answered without an access token`, { advice: ADVICE });
  }
  const seconds = Number(expiresIn);
  const lifetimeMs = seconds > 0 ? seconds * 1000 : (expiryOf(value) ?? now + UNKNOWN_LIFETIME_MS) - now;
  return { value, lifetimeMs };
}

const ADVICE =
  'Check sasl.oauthbearer.token.endpoint.url, and id, secret and scope of the client: sasl.jaas.config, or sasl.oauthbearer.client.credentials.*.';

async function exchange(client: OAuthClient, place: string): Promise<{ status: number; body: string }> {
  const url = new URL(client.endpoint);
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(client.scope === undefined ? {} : { scope: client.scope }),
  }).toString();
  const encode = (text: string): string => (client.urlEncodes ? encodeURIComponent(text).replaceAll('%20', '+') : text);
  const login = Buffer.from(`${encode(client.clientId)}:${encode(client.clientSecret)}`).toString('base64');
  const headers = {
    accept: 'application/json',
    authorization: `Basic ${login}`,
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(Buffer.byteLength(body)),
  };
  const options = { method: 'POST', headers, agent: false as const, signal: endAfter(TIMEOUT_MS) };
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent =
        url.protocol === 'https:' ? requestHttps(url, { ...options, ...client.tls }) : requestHttp(url, options);
      sent.once('response', resolve).once('error', reject).end(body);
    });
    return { status: response.statusCode ?? 0, body: await textOf(response, place) };
  } catch (error) {
    throw error instanceof OperatorError ? error : unreachable(place, error);
  }
}

async function textOf(response: IncomingMessage, place: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES)
      throw new OperatorError(`${place} answered more than ${MAX_BYTES} bytes`, { advice: ADVICE });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Passing: what the endpoint will get over by itself. */
function refusal(place: string, status: number, error: unknown): Error {
  const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? `: ${error}` : '';
  if (status >= 500 || status === 429 || status === 408)
    return new TransientError(`${place} answered ${status}${word}`);
  const what = [400, 401, 403].includes(status) ? 'refused the client' : 'gave no token';
  return new OperatorError(`${place} ${what} (${status}${word})`, { advice: ADVICE });
}

function unreachable(place: string, cause: unknown): Error {
  const { code = '' } = cause as { readonly code?: unknown };
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ALTNAME/.test(String(code))) {
    const advice = 'Name its authority in ssl.truststore.location, beside that of the brokers.';
    return new OperatorError(`${place} has a certificate that is not trusted`, { cause, advice });
  }
  return new TransientError(`${place} could not be reached or did not answer`, { cause });
}

/** When a token that is a JWT ends, by its own word. */
function expiryOf(token: string): number | undefined {
  const [, claims = ''] = token.split('.');
  const exp = Number(parsed(Buffer.from(claims, 'base64url').toString())['exp']);
  return Number.isFinite(exp) && exp > 0 ? exp * 1000 : undefined;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

/** Without what may stand behind a question mark. */
function shown(endpoint: string): string {
  const { origin, pathname } = new URL(endpoint);
  return `${origin}${pathname}`;
}
