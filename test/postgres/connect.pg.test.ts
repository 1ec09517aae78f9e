import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, inject, test } from 'vitest';
import { OperatorError, TransientError } from '../../src/errors.ts';
import { endStatementsWith } from '../../src/postgres/bounded-client.ts';
import { connect, PINNED, pinSession } from '../../src/postgres/connect.ts';
import { freshDatabase } from '../support/postgres.ts';

for (const extra of [{}, { replication: 'database' }] as const) {
  test(`pins the session against settings of role and database ${JSON.stringify(extra)}`, async () => {
    await using database = await freshDatabase('pins');
    const name = database.settings.database;
    for (const setting of [
      `DateStyle = 'SQL, DMY'`,
      `extra_float_digits = -5`,
      `search_path = 'public, pg_temp'`,
      `statement_timeout = 5`,
      `transaction_timeout = '5s'`,
      `IntervalStyle = 'sql_standard'`,
      `TimeZone = 'Asia/Tokyo'`,
      `array_nulls = off`,
      `quote_all_identifiers = on`,
      `standard_conforming_strings = off`,
      `transform_null_equals = on`,
      `default_transaction_isolation = serializable`,
      `default_transaction_read_only = on`,
      `exit_on_error = on`,
      `lock_timeout = 5`,
    ]) {
      await database.query(`alter database "${name}" set ${setting}`);
    }
    const client = await connect(database.settings, 'rowcast test', extra);
    const shown = await client.query('select name, setting from pg_settings');
    const settings = new Map(shown.rows.map((row) => [row.name, row.setting]));
    for (const [setting, value] of Object.entries(PINNED)) expect(settings.get(setting), setting).toBe(value);
    expect(settings.get('transaction_timeout')).toBe('0');
    expect(settings.get('application_name')).toBe('rowcast test');
    await client.end();
  });
}

test('a session may be given another value than the pinned one, and its own is read back', async () => {
  const client = await connect(inject('postgres'), 'rowcast test', { lock_timeout: '7000' });
  const shown = await client.query(`select setting from pg_settings where name = 'lock_timeout'`);
  expect(shown.rows).toEqual([{ setting: '7000' }]);
  await expect(pinSession(client)).rejects.toThrow('"lock_timeout" is "7000" instead of "0"');
  await client.end();
});

test('names the setting that did not hold', async () => {
  await using database = await freshDatabase('unpinned');
  await database.query(`set search_path = ''; set datestyle = 'SQL, DMY'`);
  const failure = await pinSession(database.client).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(OperatorError);
  expect(String(failure)).toContain('"DateStyle"');
});

test('sorts failures to connect by who acts, without the password', async () => {
  const settings = inject('postgres');
  const wrong = await connect({ ...settings, password: 'sesame' }, 'rowcast test').catch((error: unknown) => error);
  expect(wrong).toBeInstanceOf(OperatorError);
  expect(String(wrong)).not.toContain('sesame');
  const absent = connect({ ...settings, database: 'nowhere' }, 'rowcast test');
  await expect(absent).rejects.toBeInstanceOf(OperatorError);
  await expect(connect({ ...settings, port: 1 }, 'rowcast test')).rejects.toBeInstanceOf(TransientError);
  const unencrypted = connect({ ...settings, sslmode: 'require' }, 'rowcast test');
  await expect(unencrypted).rejects.toBeInstanceOf(OperatorError);
  await (await connect({ ...settings, sslmode: 'prefer' }, 'rowcast test')).end();
});

test('an abort ends the wait for a server that never answers', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  for (const sslmode of ['disable', 'prefer'] as const) {
    const stop = new AbortController();
    const settings = { ...inject('postgres'), host: '127.0.0.1', port, sslmode };
    const connecting = connect(settings, 'rowcast test', {}, stop.signal);
    await once(silent, 'connection');
    const reason = new Error('Asked to stop');
    stop.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await expect(connect(settings, 'rowcast test', {}, stop.signal)).rejects.toBe(reason);
  }
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('survives the death of an idle connection', async () => {
  const settings = inject('postgres');
  const [a, b] = [await connect(settings, 'rowcast test'), await connect(settings, 'rowcast test')];
  const pid = (await a.query('select pg_backend_pid() as pid')).rows[0].pid;
  await b.query('select pg_terminate_backend($1, 5000)', [pid]);
  await expect(a.query('select 1')).rejects.toThrow();
  await b.end();
});

test('a statement that waits for a lock ends with the work that it belongs to, and what is idle stays', async () => {
  await using database = await freshDatabase('waiting');
  await database.query('create table public.t (); begin; lock table public.t in access exclusive mode');
  const ended = new AbortController();
  const [waiting, idle] = [await connect(database.settings, 'waits'), await connect(database.settings, 'is idle')];
  for (const client of [waiting, idle]) endStatementsWith(client, ended.signal, 10);
  const result = waiting.query('select from public.t').then(
    () => 'read',
    () => 'ended',
  );
  ended.abort();
  expect(await result).toBe('ended');
  expect((await idle.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await idle.end();
  await database.query('rollback');
});
