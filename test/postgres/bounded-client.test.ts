import { expect, test } from 'vitest';
import { BoundedClient } from '../../src/postgres/bounded-client.ts';
import { fakeWalsender } from '../source/wal/fake-walsender.ts';

test('ends although the server never answers its goodbye', async () => {
  await using server = await fakeWalsender();
  const { host, port, database, user } = server.connection;
  const client = new BoundedClient({ host, port, database, user }, 20);
  client.on('error', () => undefined);
  await client.connect();
  await client.end();
  await expect(client.query('select 1')).rejects.toThrow();
  const called = new BoundedClient({ host, port, database, user }, 20);
  await called.connect();
  await new Promise<void>((resolve) => called.end(() => resolve()));
});
