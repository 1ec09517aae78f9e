import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Dialogue } from '../../src/torture/dialogues.ts';
import { FaultProxy } from '../../src/torture/fault-proxy.ts';

/** A server that sends everything back, and a proxy before it in which `lost` is the answer to be lost. */
async function echo(): Promise<{ proxy: FaultProxy; served: Socket[] }> {
  const served: Socket[] = [];
  const server = createServer((socket) => {
    served.push(socket.on('error', () => {}));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dialogue = (): Dialogue => ({
    asked: () => {},
    answered: (bytes) => [{ bytes, to: String(bytes) }],
  });
  const proxy = await FaultProxy.start(() => ({ host: '127.0.0.1', port }), dialogue);
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]();
    for (const socket of served) socket.destroy();
    server.close();
  });
  return { proxy, served };
}

async function join(
  proxy: FaultProxy,
): Promise<{ client: Socket; said: (text: string) => Promise<void>; heard: string[] }> {
  const client = connect(proxy.port, '127.0.0.1');
  const heard: string[] = [];
  client.on('data', (chunk) => heard.push(String(chunk)));
  client.on('error', () => {});
  await once(client, 'connect');
  onTestFinished(() => void client.destroy());
  return {
    client,
    heard,
    async said(text) {
      client.write(text);
      await once(client, 'data');
    },
  };
}

/** Not `once`, which fails when the connection was reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

test('passes on what both sides say', async () => {
  const { proxy } = await echo();
  const { said, heard } = await join(proxy);
  await said('one');
  await said('two');
  expect(heard).toEqual(['one', 'two']);
  expect(proxy.connections).toBe(1);
});

test('loses one answer and breaks the connection', async () => {
  const { proxy } = await echo();
  const { client, said, heard } = await join(proxy);
  let hits = 0;
  proxy.lose('two', 'broken', () => hits++);
  await said('one');
  client.write('two');
  await closed(client);
  expect([heard, hits]).toEqual([['one'], 1]);
  const next = await join(proxy);
  await next.said('two');
  expect(next.heard).toEqual(['two']);
});

test('loses one answer, and everything after it', async () => {
  const { proxy, served } = await echo();
  const { client, heard } = await join(proxy);
  const lost = new Promise<void>((resolve) => proxy.lose('two', 'silent', resolve));
  client.write('two');
  await lost;
  // Neither side hears that the other is gone.
  served[0]?.destroy();
  const next = await join(proxy);
  await next.said('three');
  expect([heard, client.destroyed]).toEqual([[], false]);
});

test('holds everything up until it goes on', async () => {
  const { proxy } = await echo();
  const { client, heard } = await join(proxy);
  proxy.holdUp();
  client.write('one');
  const late = connect(proxy.port, '127.0.0.1');
  onTestFinished(() => void late.destroy());
  await once(late, 'connect');
  expect(heard).toEqual([]);
  proxy.goOn();
  await once(client, 'data');
  expect(heard).toEqual(['one']);
});

test('cuts all connections', async () => {
  const { proxy } = await echo();
  const { client, said } = await join(proxy);
  await said('one');
  const isClosed = closed(client);
  expect(proxy.cut()).toBe(1);
  await isClosed;
});

test('silences those connections that there are', async () => {
  const { proxy } = await echo();
  const { client, said, heard } = await join(proxy);
  await said('one');
  expect(proxy.silence()).toBe(1);
  client.write('two');
  const next = await join(proxy);
  await next.said('three');
  expect([heard, next.heard]).toEqual([['one'], ['three']]);
});
