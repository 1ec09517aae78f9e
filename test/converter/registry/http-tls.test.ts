import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { RegistryTls } from '../../../src/converter/registry/http-exchange.ts';
import { createHttpSchemaStore } from '../../../src/converter/registry/http-store.ts';
import { describeError, OperatorError } from '../../../src/errors.ts';
import { type Certificates, createCertificates } from './certificates.ts';
import { serveHttp } from './http-server.ts';

const { signal } = new AbortController();
const certificates = createCertificates();
const { ca, server, client } = certificates ?? ({ server: {}, client: {} } as Certificates);
const NONE: RegistryTls = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  keyPassword: undefined,
  verifyHostname: true,
};

const answer: RequestListener = (_, response) => {
  response.end('{"schema":"\\"int\\""}');
};

const look = (url: string, tls: RegistryTls | undefined): Promise<string> =>
  createHttpSchemaStore({ urls: [url], basicAuth: undefined, tls }).byId(1, signal);

async function failure(url: string, tls: RegistryTls | undefined): Promise<string> {
  const error: unknown = await look(url, tls).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OperatorError);
  return `${describeError(error)} | ${(error as OperatorError).advice}`;
}

describe.skipIf(certificates === undefined)('over TLS', () => {
  test('a registry whose authority is trusted answers', async () => {
    await using registry = await serveHttp(answer, server);
    expect(await look(registry.url, { ...NONE, ca })).toBe('"int"');
  });

  test.each([
    ['without TLS settings', undefined],
    ['without its authority', NONE],
  ])('a registry %s is not trusted, and the setting is named', async (_title, tls) => {
    await using registry = await serveHttp(answer, server);
    const text = await failure(registry.url, tls);
    expect(text).toContain('has a certificate that is not trusted');
    expect(text).toContain('schema.registry.ssl.truststore.location');
    expect(registry.asked).toEqual([]);
  });

  test('a certificate for another host is refused, unless that is not to be compared', async () => {
    await using registry = await serveHttp(answer, server);
    const url = registry.url.replace('127.0.0.1', 'localhost');
    expect(await failure(url, { ...NONE, ca })).toContain('has a certificate for another host');
    expect(await look(url, { ...NONE, ca, verifyHostname: false })).toBe('"int"');
  });

  test('a client certificate is shown where it is asked for', async () => {
    await using registry = await serveHttp(answer, {
      ...server,
      ca: ca as string,
      requestCert: true,
      rejectUnauthorized: true,
    });
    expect(await look(registry.url, { ...NONE, ca, ...client })).toBe('"int"');
    expect(await failure(registry.url, { ...NONE, ca })).toContain('schema.registry.ssl.keystore.location');
  });

  test('a key that is none is refused', async () => {
    await using registry = await serveHttp(answer, server);
    const text = await failure(registry.url, { ...NONE, ca, cert: client.cert, key: 'no key' });
    expect(text).toContain('schema.registry.ssl.');
  });

  test('https to a server without TLS, and http to one with it, are told apart from a lost network', async () => {
    await using plain = await serveHttp(answer);
    expect(await failure(plain.url.replace('http:', 'https:'), { ...NONE, ca })).toContain('does not speak TLS');
    await using secure = await serveHttp(answer, server);
    const http = createHttpSchemaStore({
      urls: [secure.url.replace('https:', 'http:')],
      basicAuth: undefined,
      tls: NONE,
    });
    await expect(http.byId(1, signal)).rejects.toThrow('cannot be reached');
  });
});
