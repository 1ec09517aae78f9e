import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { parseConnector } from '../support/connector.ts';
import { TransientError } from '../../src/errors.ts';
import type { Logger } from '../../src/observe/logger.ts';
import { makeTask } from '../../src/worker/composition.ts';
import { initialStatus } from '../../src/worker/initial-status.ts';
import type { Task, TaskOrder } from '../../src/worker/task.ts';

const signal = new AbortController().signal;
const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const SOURCE = {
  'connector.class': 'PostgresWalSource',
  'database.hostname': '127.0.0.1',
  'database.user': 'u',
  'database.password': 'p',
  'database.dbname': 'd',
  'topic.prefix': 'shop',
};
const SINK = {
  'connector.class': 'PostgresSink',
  'connection.url': 'jdbc:postgresql://127.0.0.1:1/d',
  'connection.username': 'u',
  'topic.prefix': 'shop',
};

/** A port of this machine at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function taskOf(config: object, kafka: TaskOrder['config']['kafka'], embedded: Parameters<typeof makeTask>[1]): Task {
  const connector = parseConnector('a.json', JSON.stringify({ name: 'a', config }), {});
  const memory = { takeOver: false, stored: undefined };
  const status = initialStatus(connector, 0);
  return makeTask(
    { connector, daemon: 'd', config: { kafka, registry: undefined, compression: 'none' }, memory, status },
    embedded,
    logger,
  );
}

describe.each([
  ['source', SOURCE],
  ['sink', SINK],
] as const)('the task of a %s', (kind, config) => {
  test('connects to nothing before it runs, and is tried again while Kafka cannot be reached', async () => {
    const bootstrapServers = [`127.0.0.1:${await closedPort()}`];
    const kafka = { bootstrapServers, clientId: 'c', tls: undefined, sasl: undefined, requestTimeoutMs: 1000 };
    const task = taskOf(config, kafka, () => Promise.reject(new Error('The embedded log was asked for')));
    expect(task.status(undefined, undefined)).toMatchObject({ kind, name: 'a', state: 'starting' });
    await expect(task.run(signal)).rejects.toThrow(TransientError);
    expect(task.status(undefined, undefined).stage).toMatchObject({ name: 'opening the log', isWaiting: false });
  });

  test('opens the embedded log anew for each run', async () => {
    let opened = 0;
    const task = taskOf(config, undefined, async () => {
      throw new TransientError(`Attempt ${++opened}`);
    });
    await expect(task.run(signal)).rejects.toThrow('Attempt 1');
    await expect(task.run(signal)).rejects.toThrow('Attempt 2');
  });
});
