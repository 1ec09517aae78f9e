import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { RegistryClientConfig, RestConfig } from '../../../src/worker/worker-config.ts';
import { checkPort, checkRegistry } from '../../../src/worker/preflight/check-endpoints.ts';

const rest: RestConfig = { host: '127.0.0.1', port: 0, authentication: 'none', credentials: undefined } as RestConfig;

async function serving(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const registry = (url: string, basicAuth?: string): RegistryClientConfig => ({
  urls: [url],
  basicAuth,
  tls: undefined,
});

test('a port that is taken is a problem, unless our own daemon has it', async () => {
  await using other = await serving(() => undefined);
  const { port } = other;
  expect(await checkPort({ ...rest, port }, undefined)).toMatchObject([
    { level: 'problem', fix: expect.stringContaining(`:${port + 1}`) },
  ]);
  const running = { pid: 1, version: '1', key: 'k', url: `http://127.0.0.1:${port}` };
  expect(await checkPort({ ...rest, port }, running)).toMatchObject([{ level: 'ok' }]);
  expect(await checkPort({ ...rest, port }, { ...running, url: 'http://127.0.0.1:1' })).toMatchObject([
    { level: 'problem' },
  ]);
});

test('a free port is in order and free afterwards; a strange address is a problem', async () => {
  expect(await checkPort(rest, undefined)).toMatchObject([{ level: 'ok' }]);
  expect(await checkPort({ ...rest, host: '192.0.2.1', port: 8083 }, undefined)).toMatchObject([
    { level: 'problem', fix: 'export ROWCAST_LISTENERS=http://127.0.0.1:8083' },
  ]);
});

test('a registry is asked for its subjects, with the password that stays hidden', async () => {
  const wanted = `Basic ${Buffer.from('me:secret-7').toString('base64')}`;
  await using server = await serving((request, response) => {
    const isIn = request.url === '/base/subjects' && request.headers.authorization === wanted;
    response.writeHead(isIn ? 200 : 401).end('[]');
  });
  const url = `http://127.0.0.1:${server.port}/base/`;
  expect(await checkRegistry(registry(url, 'me:secret-7'))).toMatchObject([{ level: 'ok' }]);
  expect(await checkRegistry(registry(url.replace('//', '//me:secret-7@')))).toMatchObject([{ level: 'ok' }]);
  const refused = await checkRegistry(registry(url.replace('//', '//me:secret-8@')));
  expect(refused).toMatchObject([{ level: 'problem', message: 'It refuses the credentials (401).' }]);
  expect(JSON.stringify(refused)).not.toContain('secret-8');
});

test('what is no registry, and what is not there, are problems', async () => {
  await using server = await serving((_, response) => response.writeHead(404).end());
  expect(await checkRegistry(registry(`http://127.0.0.1:${server.port}`))).toMatchObject([
    { message: expect.stringContaining('answers 404') },
  ]);
  expect(await checkRegistry(registry('http://127.0.0.1:1'))).toMatchObject([
    { message: 'It cannot be reached (ECONNREFUSED).', fix: 'curl -sS http://127.0.0.1:1/subjects' },
  ]);
  expect(await checkRegistry(registry('https://127.0.0.1:1'))).toMatchObject([{ level: 'problem' }]);
});
