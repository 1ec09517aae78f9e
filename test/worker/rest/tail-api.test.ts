import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RestServer } from '../../../src/worker/rest/server.ts';
import { FakeDaemon, serve } from './fake-daemon.ts';

const daemon = new FakeDaemon();
let server: RestServer;
beforeAll(async () => {
  server = await serve(daemon);
});
afterAll(() => server[Symbol.asyncDispose]());

async function ask(query: string, key: string | undefined = daemon.key) {
  const headers: Record<string, string> = key === undefined ? {} : { 'x-rowcast-key': key };
  const response = await fetch(`${server.url}/rowcast/v1/topics/shop.public.orders/records${query}`, { headers });
  return { status: response.status, body: (await response.json()) as unknown };
}

test('records are read from where the request says', async () => {
  daemon.tailed.length = 0;
  expect(await ask('')).toEqual({ status: 200, body: { records: [], next: { 0: 7 }, isAtEnd: true } });
  await ask('?from=end&wait=1000');
  await ask('?from=0:17,1:4&limit=5');
  const topic = 'shop.public.orders';
  expect(daemon.tailed).toEqual([
    { topic, from: 'start', limit: 100, waitMs: 0 },
    { topic, from: 'end', limit: 100, waitMs: 1000 },
    { topic, from: { 0: 17, 1: 4 }, limit: 5, waitMs: 0 },
  ]);
});

test.each([
  '?from=middle',
  '?from=0',
  '?from=0:-1',
  '?from=0:1,',
  '?limit=0',
  '?limit=1001',
  '?limit=x',
  '?wait=30001',
])('%s is refused', async (query) => {
  expect((await ask(query)).status).toBe(400);
});

test('whoever cannot read daemon.json sees no rows where nobody is asked who they are', async () => {
  for (const key of [undefined, '', 'another-key', `${daemon.key}x`]) {
    expect(await ask('', key ?? '')).toMatchObject({ status: 403 });
  }
});

test('credentials show rows where they are asked for', async () => {
  await using guarded = await serve(daemon, { authentication: 'bearer', credentials: 'secret-token' });
  const url = `${guarded.url}/rowcast/v1/topics/t/records`;
  const statusOf = async (token: string): Promise<number> =>
    (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
  expect([await statusOf('secret-token'), await statusOf('wrong')]).toEqual([200, 401]);
});
