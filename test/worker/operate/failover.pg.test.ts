import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../src/servers/postgres-server.ts';
import { OperatorError } from '../../../src/errors.ts';
import type { Log, Published } from '../../../src/log/log.ts';
import { resetSource } from '../../../src/pipeline/reset.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { eventually } from '../../pipeline/replication.ts';
import { execute, followed } from './followed.ts';
import { operated } from './operated.ts';

/** Starts a copy of a stopped server as a standby does when it is promoted: the same system on a new timeline. */
async function promoted(original: PostgresServer, directory: string): Promise<PostgresServer> {
  await promisify(execFile)('cp', ['-a', original.directory, directory]); // with its owner
  await writeFile(join(directory, 'recovery.signal'), '');
  const server = await startPostgres({ directory, settings: { restore_command: 'false' } });
  // It answers before its recovery has ended.
  const isPrimary = async (): Promise<boolean> =>
    (await execute(server.settings(), 'select not pg_is_in_recovery() as "isPrimary"'))[0]?.['isPrimary'] === true;
  await eventually(isPrimary, 'the server to be promoted');
  return server;
}

test('a promoted server that has everything goes on by itself', async () => {
  await using world = await followed();
  const { first, source, copies, on, shows } = world;
  const old = on(source).start();
  await shows(1);
  await old.stop();
  await first.stop('fast');
  await using second = await promoted(first, join(copies, 'whole'));
  const running = on(second.settings('shop')).start();
  await execute(second.settings('shop'), /* sql */ `insert into t values (2, 'promoted')`);
  await shows(2);
  await running.stop();
});

test('a promoted server that lacks something goes on when an operator says so, and not below what the log has', async () => {
  await using world = await followed();
  const { first, source, copies, ids, on, shows } = world;
  let running = on(source).start();
  await shows(1);
  await running.stop();
  await first.stop('fast');
  await using second = await promoted(first, join(copies, 'behind'));
  await first.start();
  running = on(source).start();
  await execute(source, /* sql */ `insert into t values (2, 'only here'); select pg_switch_wal()`);
  await execute(source, /* sql */ `insert into t values (3, 'only here')`);
  await shows(3);
  await running.stop();

  const database = second.settings('shop');
  const { start, ask } = on(database);
  running = start();
  await running.ended;
  expect(running.failure).toBeInstanceOf(OperatorError);
  expect((running.failure as Error).message).toContain('history branched before');
  // No reader of the log could follow positions that fall.
  const accept = { kind: 'accept', connector: 'shop', fromNow: true } as const;
  await expect(ask(accept)).rejects.toThrow("The server's WAL stands at");
  await expect(ask({ kind: 'reset', connector: 'shop' })).rejects.toThrow("The server's WAL stands at");
  await execute(database, /* sql */ `insert into t values (4, 'lost')`);
  for (let i = 0; i < 4; i++) {
    await execute(database, /* sql */ `select pg_logical_emit_message(true, 'fill', 'x'); select pg_switch_wal()`);
  }
  await expect(ask({ ...accept, fromNow: false })).rejects.toThrow('of another history');
  const { lines } = await ask(accept);
  expect(lines.join('\n')).toMatch(/timeline 2.*\n.*was made at .*\n.*may be missing.*\n.*may be too much/);
  running = start();
  await execute(database, /* sql */ `insert into t values (5, 'accepted')`);
  await shows(5);
  expect(await ids()).toEqual([1, 2, 3, 5]);

  // Copied anew, the replica is what the server is.
  await running.stop();
  await ask({ kind: 'reset', connector: 'shop' });
  running = start();
  await eventually(async () => (await ids()).join() === '1,4,5', 'the second copy');
  await running.stop();
});

test('files that were put back from a copy are noticed, though system and timeline are the same', async () => {
  await using world = await followed();
  const { first, source, copies, on, shows } = world;
  let running = on(source).start();
  await shows(1);
  await running.stop();
  await first.stop('fast');
  const copy = join(copies, 'backup');
  await promisify(execFile)('cp', ['-a', first.directory, copy]);
  await first.start();
  running = on(source).start();
  await execute(source, /* sql */ `insert into t values (2, 'not in the copy'); select pg_switch_wal()`);
  await execute(source, /* sql */ `insert into t values (3, 'not in the copy')`);
  await shows(3);
  await running.stop();
  await first.stop('fast');
  await using restored = await startPostgres({ directory: copy });
  running = on(restored.settings('shop')).start();
  await running.ended;
  expect(running.failure).toBeInstanceOf(OperatorError);
});

test('a reset that dies between its claim and its checkpoint has changed nothing', async () => {
  await using world = await operated(/* sql */ `create table t (id int primary key); insert into t values (1)`);
  const { source, target, replication } = world;
  const task = replication.startSource();
  replication.startSink();
  await replication.settled();
  await task.stop();
  const [copied] = await target.query<{ xmin: string }>('select xmin::text from public.t');
  const tools = { log: dyingLog(replication.log), clock: systemClock, random: randomUUID, prefix: 'shop' };
  const slot = `slot_${source.settings.database}`;
  await expect(resetSource(tools, slot, AbortSignal.timeout(5_000))).rejects.toThrow('died');
  await source.query(/* sql */ `insert into t values (2)`);
  const memory = { incarnation: undefined, stored: undefined, takeOver: false };
  replication.startSource('one', memory);
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(2);
  // A second copy would have written it anew.
  expect(await target.query('select xmin::text from public.t where id = 1')).toEqual([copied]);
});

/** Stores one publish, and no other. */
function dyingLog(log: Log): Log {
  let publishes = 0;
  return new Proxy(log, {
    get(on, name) {
      if (name === 'publish' && ++publishes > 1) return (): Promise<Published> => Promise.reject(new Error('died'));
      const value: unknown = Reflect.get(on, name, on);
      return typeof value === 'function' ? (value.bind(on) as unknown) : value;
    },
  });
}
