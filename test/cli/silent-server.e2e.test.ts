import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type BuiltCommand, buildCommand, type Run } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

let command: BuiltCommand;
let silent: Server;
const sockets = new Set<Socket>();
beforeAll(async () => {
  command = await buildCommand();
  silent = createServer((socket) => {
    sockets.add(socket.on('error', () => {})); // they end however they like
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  silent?.close();
  await command?.[Symbol.asyncDispose]();
});

/** Longer than any test may take: whoever waits for it has not given up at once. */
const PATIENCE = { ROWCAST_TASK_SHUTDOWN_GRACEFUL_TIMEOUT_MS: '600000' };

async function connections(count: number): Promise<void> {
  await expect.poll(() => sockets.size, { timeout: 30_000 }).toBeGreaterThanOrEqual(count);
}

async function endsWhenTold(run: Run): Promise<void> {
  run.process.kill('SIGTERM');
  const { code, output } = await run.ended;
  expect(output).not.toContain('did not stop in time');
  expect(code, output).toBe(0);
}

test('a daemon ends when it is told to while its Postgres servers accept and never answer', async () => {
  await using place = await makeWorkplace();
  const { port } = silent.address() as AddressInfo;
  const server = { host: '127.0.0.1', port, database: 'd', user: 'u', password: 'pass', sslmode: 'prefer' } as const;
  await place.write('from.json', { name: 'from', config: sourceConfig(server, 'silent') });
  await place.write('to.json', { name: 'to', config: sinkConfig(server, 'silent') });
  const before = sockets.size;
  const run = place.start(command, [], PATIENCE);
  onTestFinished(() => void run.process.kill('SIGKILL'));
  await connections(before + 2);
  await endsWhenTold(run);
});

test('a daemon ends when it is told to while its Kafka brokers accept and never answer', async () => {
  await using place = await makeWorkplace();
  const { port } = silent.address() as AddressInfo;
  const before = sockets.size;
  const run = place.start(command, ['--bootstrap-servers', `127.0.0.1:${port}`], PATIENCE);
  onTestFinished(() => void run.process.kill('SIGKILL'));
  await connections(before + 1);
  await endsWhenTold(run);
});
