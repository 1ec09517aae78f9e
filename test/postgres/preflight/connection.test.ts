import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { connectionFinding } from '../../../src/postgres/preflight/connection-finding.ts';
import { openLooking } from '../../../src/postgres/preflight/session.ts';

const where: ConnectionSettings = { host: 'db', port: 5432, database: 'shop', user: 'cap', sslmode: 'prefer' };
const keys = { host: 'database.hostname', password: 'database.password', sslmode: 'database.sslmode' };

test.each<[string, Error, string]>([
  [
    'a pooler that drops settings',
    new OperatorError('Session setting "TimeZone" is "GMT" instead of "UTC"'),
    'pooler: Set database.hostname',
  ],
  [
    'a server before version 14',
    new OperatorError('x', { cause: new Error('unrecognized configuration parameter "idle_session_timeout"') }),
    'version: pg_upgrade',
  ],
  [
    'a name that nobody knows',
    new TransientError('x', { cause: Object.assign(new Error('y'), { code: 'ENOTFOUND' }) }),
    'reachable: Correct database.hostname',
  ],
  [
    'a port without listener',
    new TransientError('x', { cause: Object.assign(new Error('y'), { code: 'ECONNREFUSED' }) }),
    'reachable: Start Postgres on db',
  ],
  [
    'a certificate',
    new OperatorError("x: the server's certificate is not trusted (SELF_SIGNED_CERT_IN_CHAIN)"),
    'tls: Set database.sslmode',
  ],
  ['silence', new TransientError('x: the connection was lost'), 'reachable: pg_isready -h db -p 5432'],
])('%s has a fix of its own', (_, error, expected) => {
  const { check, fix, level } = connectionFinding(error, where, keys);
  expect(`${check}: ${fix}`).toContain(expected);
  expect(level).toBe('problem');
});

test('a server that never answers is left when the time is over', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const abort = new AbortController();
  const opening = openLooking({ ...where, host: '127.0.0.1', port }, abort.signal);
  await once(silent, 'connection');
  abort.abort();
  await expect(opening).rejects.toThrow();
  await expect
    .poll(() => sockets.every((socket) => socket.readableEnded || socket.destroyed || socket.closed))
    .toBe(true);
  silent.close();
  await once(silent, 'close');
});
