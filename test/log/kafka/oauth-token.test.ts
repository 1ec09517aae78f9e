import { describe, expect, test } from 'vitest';
import { describeError, OperatorError, TransientError } from '../../../src/errors.ts';
import { oauthTokens } from '../../../src/log/kafka/oauth-token.ts';
import type { OAuthClient } from '../../../src/log/kafka/token-endpoint.ts';
import { createCertificates } from '../../converter/registry/certificates.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { tokenEndpoint, type TokenServer } from './token-server.ts';

const MINUTE = 60_000;
const certificates = createCertificates();

function client({ url }: Pick<TokenServer, 'url'>, more: Partial<OAuthClient> = {}): OAuthClient {
  const login = { clientId: 'me', clientSecret: 'hunter2', scope: undefined, urlEncodes: false };
  return { endpoint: url, ...login, extensions: {}, tls: {}, ...more };
}

/** Tokens at a time that the test decides; of day, when the clock was set. */
function tokensOf(of: OAuthClient): { at: (now: number, ofDay?: number) => Promise<string> } {
  const clock = { time: 0, ofDay: 0, now: () => clock.ofDay, monotonic: () => clock.time };
  const provider = oauthTokens(of, clock);
  return {
    at: async (now, ofDay = now) => {
      Object.assign(clock, { time: now, ofDay });
      return (await provider()).value;
    },
  };
}

test('a client asks with its id and secret, for its scope', async () => {
  await using endpoint = await tokenEndpoint(() => ({ access_token: 't', expires_in: 60 }));
  const scoped = client(endpoint, { scope: 'kafka all', extensions: { logicalCluster: 'lkc-1' } });
  expect(await oauthTokens(scoped, systemClock)()).toEqual({ value: 't', extensions: { logicalCluster: 'lkc-1' } });
  expect(endpoint.asked).toMatchObject([
    {
      headers: { authorization: `Basic ${btoa('me:hunter2')}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials&scope=kafka+all',
    },
  ]);
  const strange = { clientId: 'm:e', clientSecret: 'ü %', urlEncodes: true };
  await oauthTokens(client(endpoint, strange), systemClock)();
  expect(endpoint.asked[1]?.headers.authorization).toBe(`Basic ${btoa('m%3Ae:%C3%BC+%25')}`);
});

test('a token is used until shortly before it expires, whoever needs it', async () => {
  let count = 0;
  await using endpoint = await tokenEndpoint(() => ({ access_token: `t${++count}`, expires_in: 600 }));
  const tokens = tokensOf(client(endpoint));
  expect(await Promise.all([tokens.at(0), tokens.at(0), tokens.at(0)])).toEqual(['t1', 't1', 't1']);
  expect(await tokens.at(7 * MINUTE)).toBe('t1');
  expect(await tokens.at(9 * MINUTE)).toBe('t2');
  expect(endpoint.asked).toHaveLength(2);
});

test('a token that expires is renewed although the clock was set back, or the machine has slept', async () => {
  let count = 0;
  await using endpoint = await tokenEndpoint(() => ({ access_token: `t${++count}`, expires_in: 600 }));
  const tokens = tokensOf(client(endpoint));
  expect(await tokens.at(0, 60 * MINUTE)).toBe('t1');
  expect(await tokens.at(7 * MINUTE, 7 * MINUTE)).toBe('t1');
  expect(await tokens.at(9 * MINUTE, 9 * MINUTE)).toBe('t2');
  expect(await tokens.at(10 * MINUTE, 20 * MINUTE)).toBe('t3');
});

test('a JWT says itself when it ends, where the endpoint does not', async () => {
  const jwt = `x.${Buffer.from(JSON.stringify({ exp: 600 })).toString('base64url')}.x`;
  await using endpoint = await tokenEndpoint(() => ({ access_token: jwt }));
  const tokens = tokensOf(client(endpoint));
  for (const minute of [0, 7, 9.5, 20]) await tokens.at(minute * MINUTE);
  expect(endpoint.asked).toHaveLength(3);
});

test('a failure is not remembered', async () => {
  let answer: object | undefined;
  await using endpoint = await tokenEndpoint(() => answer);
  const tokens = tokensOf(client(endpoint));
  await expect(tokens.at(0)).rejects.toThrow('refused the client');
  answer = { access_token: 't', expires_in: 60 };
  expect(await tokens.at(0)).toBe('t');
});

describe('the endpoint is named, and the secret is not, when', () => {
  const OTHER: [string, ReturnType<Parameters<typeof tokenEndpoint>[0]>, typeof Error, string][] = [
    ['it refuses the client', undefined, OperatorError, 'refused the client (401: invalid_client)'],
    ['it redirects', 302, OperatorError, 'gave no token (302)'],
    ['it is not there', 404, OperatorError, 'gave no token (404)'],
    ['it has to recover', 503, TransientError, 'answered 503'],
    ['it is asked too often', 429, TransientError, 'answered 429'],
    ['it gives none', {}, OperatorError, 'answered without an access token'],
    ['it gives one that ends its field', { access_token: 'hunter2\u0001auth=x' }, OperatorError, 'without an access'],
    ['it answers something else', 'hunter2', OperatorError, 'answered without an access token'],
    ['it answers without end', 'x'.repeat(300_000), OperatorError, 'answered more than'],
  ].map((each) => each as never);

  test.each(OTHER)('%s', async (_, given, kind, message) => {
    await using endpoint = await tokenEndpoint(() => given);
    const error: unknown = await tokensOf(client(endpoint))
      .at(0)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(kind);
    expect(describeError(error)).toContain(`Token endpoint ${endpoint.url} `);
    expect(describeError(error)).toContain(message);
    expect(describeError(error)).not.toContain('hunter2');
  });

  test('nobody listens', async () => {
    const endpoint = await tokenEndpoint(() => undefined);
    await endpoint[Symbol.asyncDispose]();
    const tokens = tokensOf(client(endpoint));
    await expect(tokens.at(0)).rejects.toThrow(TransientError);
  });
});

test.skipIf(certificates === undefined)('an endpoint on https is trusted by its authority alone', async () => {
  await using endpoint = await tokenEndpoint(() => ({ access_token: 't', expires_in: 60 }), certificates?.server);
  expect(await tokensOf(client(endpoint, { tls: { ca: certificates?.ca } })).at(0)).toBe('t');
  const error: unknown = await tokensOf(client(endpoint))
    .at(0)
    .catch((thrown: unknown) => thrown);
  expect(describeError(error)).toContain('has a certificate that is not trusted');
  expect((error as OperatorError).advice).toContain('ssl.truststore.location');
  expect(endpoint.asked).toHaveLength(1);
});
