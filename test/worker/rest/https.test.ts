import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { OperatorError } from '../../../src/errors.ts';
import { writeDaemonFile } from '../../../src/worker/daemon-file.ts';
import { changeByDaemon, readDaemon } from '../../../src/worker/operate/daemon-client.ts';
import { ownCertificate } from '../../../src/worker/rest/listener.ts';
import type { HttpsConfig, RestConfig } from '../../../src/worker/worker-config.ts';
import { type Certificates, createCertificates } from '../../converter/registry/certificates.ts';
import { FakeDaemon, LOOPBACK, serve } from './fake-daemon.ts';

const { signal } = new AbortController();
const certificates = createCertificates();
const { ca, server, client } = certificates ?? ({ server: {}, client: {} } as Certificates);
const strange = createCertificates() ?? ({ server: {}, client: {} } as Certificates);
const HTTPS: HttpsConfig = { ...server, keyPassword: undefined, ca: undefined, clientAuth: 'none' };

afterEach(() => vi.restoreAllMocks());

/** The status that a client is answered with that trusts the authority, and shows a certificate if it is given one. */
async function statusFor(url: string, shown: Partial<Certificates['client']> = {}): Promise<number | undefined> {
  const sent = requestHttps(`${url}/connectors`, { ca, agent: false, ...shown });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

async function failure(
  work: Promise<unknown>,
  kind: abstract new (...args: never[]) => Error = OperatorError,
): Promise<OperatorError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(kind);
  return error as OperatorError;
}

describe.skipIf(certificates === undefined)('a listener on https', () => {
  test('answers who trusts its authority, and nobody who speaks plain HTTP', async () => {
    await using rest = await serve(new FakeDaemon(), { https: HTTPS });
    expect(rest.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await statusFor(rest.url)).toBe(200);
    const plain = requestHttp(rest.url.replace('https:', 'http:'), { agent: false });
    plain.end();
    await expect(once(plain, 'response')).rejects.toThrow();
  });

  test('is refused with a key that is not that of the certificate, without the key', async () => {
    const error = await failure(serve(new FakeDaemon(), { https: { ...HTTPS, key: client.key } }));
    expect(error.message).toBe('The key and the certificate of listeners.https.ssl.* cannot be used');
    expect(String(error.cause)).not.toContain('PRIVATE KEY');
  });

  test('lets in only who shows a certificate of its authorities, where one is required', async () => {
    const https: HttpsConfig = { ...HTTPS, ca, clientAuth: 'required' };
    await using rest = await serve(new FakeDaemon(), { https });
    expect(await statusFor(rest.url, client)).toBe(200);
    await expect(statusFor(rest.url)).rejects.toThrow();
    await expect(statusFor(rest.url, strange.client)).rejects.toThrow();
  });

  test('refuses a certificate that is not trusted also where none is required', async () => {
    const https: HttpsConfig = { ...HTTPS, ca, clientAuth: 'requested' };
    await using rest = await serve(new FakeDaemon(), { https });
    expect(await statusFor(rest.url, client)).toBe(200);
    expect(await statusFor(rest.url)).toBe(200);
    await expect(statusFor(rest.url, strange.client)).rejects.toThrow();
  });

  test('ends although a client never agrees on TLS', async () => {
    const rest = await serve(new FakeDaemon(), { https: HTTPS });
    const socket = connect(Number(new URL(rest.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = once(socket, 'close');
    await rest[Symbol.asyncDispose]();
    await closed;
  });
});

describe.skipIf(certificates === undefined)('commands that ask a daemon on https', () => {
  const ask = (url: string, certificate: string | undefined, rest?: RestConfig): Promise<unknown> =>
    readDaemon({ url, ...(certificate && { certificate }) }, rest, '/connectors', signal);

  test('accept the certificate of daemon.json, whatever name it is for and whoever made it', async () => {
    await using rest = await serve(new FakeDaemon(), { https: HTTPS });
    expect(await ask(rest.url, ownCertificate(HTTPS))).toEqual(['shop-source', 'shop-sink']);
    const otherName = rest.url.replace('127.0.0.1', 'localhost'); // the certificate is for 127.0.0.1 alone
    expect(await ask(otherName, ownCertificate(HTTPS))).toEqual(['shop-source', 'shop-sink']);
  });

  test('tell nothing to who shows another certificate, not even one of the same authority', async () => {
    const daemon = new FakeDaemon();
    await using rest = await serve(daemon, { https: { ...HTTPS, ...client } });
    for (const pinned of [server.cert, ca, strange.server.cert]) {
      const error = await failure(ask(rest.url, pinned));
      expect(error.message).toBe(`Another program than the daemon answers at ${rest.url}`);
      const change = changeByDaemon(
        { url: rest.url, certificate: pinned },
        undefined,
        'PUT',
        '/connectors/a/pause',
        signal,
      );
      expect((await failure(change)).message).toContain('Another program');
    }
    expect(daemon.changes).toEqual([]);
    expect((await failure(ask(rest.url, undefined))).message).toContain('has not said which certificate');
  });

  test("show the daemon's own certificate where one is required", async () => {
    const https: HttpsConfig = { ...HTTPS, ca, clientAuth: 'required' };
    await using rest = await serve(new FakeDaemon(), { https });
    expect(await ask(rest.url, server.cert, { ...LOOPBACK, https })).toEqual(['shop-source', 'shop-sink']);
    const refused = await failure(ask(rest.url, server.cert), Error);
    expect(refused.advice).toContain('give this command the settings of the daemon');
  });

  test('find nobody where nobody listens', async () => {
    const rest = await serve(new FakeDaemon(), { https: HTTPS });
    await rest[Symbol.asyncDispose]();
    expect(await ask(rest.url, server.cert)).toBeUndefined();
  });

  test('work as over HTTP', async () => {
    const daemon = new FakeDaemon();
    await using rest = await serve(daemon, { https: HTTPS });
    const state = await mkdtemp(join(tmpdir(), 'rowcast-https-'));
    await writeDaemonFile(state, { pid: process.pid, url: rest.url, certificate: server.cert, version: '1', key: 'k' });
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    expect(await run(['restart', 'shop-source', '--state', state], {})).toBe(0);
    await rm(state, { recursive: true });
    expect(daemon.changes).toEqual([['restart', 'shop-source']]);
  });
});
