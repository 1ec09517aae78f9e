import { createConnection } from 'node:net';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startKafka } from '../../../src/servers/kafka-server.ts';
import { kafkaForTests } from '../../support/kafka.ts';

describe.skipIf(kafkaForTests() === undefined)('a broker for the demo', () => {
  test('serves on its port, survives a kill, and takes its temporary data along when it stops', async () => {
    const kafka = await startKafka();
    await accepts(kafka.port);
    kafka.kill();
    await kafka.restart();
    await accepts(kafka.port);
    await kafka.stop();
    await expect(accepts(kafka.port)).rejects.toThrow('ECONNREFUSED');
    expect(existsSync(kafka.directory)).toBe(false);
  });
});

async function accepts(port: number): Promise<void> {
  const socket = createConnection(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}
