import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { createTriggerSource } from '../../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { Replication } from '../../pipeline/replication.ts';
import { type Database, freshDatabase, type ServerKind, servers } from '../../support/postgres.ts';
import { triggerSettings, triggerWorld } from './trigger-fixture.ts';

/** A server whose own programs can dump it and put the dump back. */
const kind: ServerKind | undefined = servers.find(
  ({ binaries }) =>
    binaries !== undefined && ['pg_dump', 'pg_restore'].every((name) => existsSync(join(binaries, name))),
);
const title =
  'a database with triggers is dumped and restored: it can be written to, and its old events are not believed';

async function restore(from: ConnectionSettings, into: ConnectionSettings): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-dump-'));
  const file = join(directory, 'dump');
  const way = ['-h', from.host, '-p', String(from.port), '-U', from.user];
  const env = { ...process.env, PGPASSWORD: from.password ?? '' };
  const run = async (program: string, ...args: string[]): Promise<void> => {
    await promisify(execFile)(join(kind?.binaries ?? '', program), [...way, ...args], { env });
  };
  try {
    await run('pg_dump', '-Fc', '-f', file, from.database);
    await run('pg_restore', '--exit-on-error', '-d', into.database, file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Says in its title why it is skipped. */
test.skipIf(kind === undefined)(kind === undefined ? `${title} (pg_dump is not installed)` : title, async () => {
  await using server = await (kind as ServerKind).start();
  const schema = /* sql */ `create table orders (id int primary key, note text); create table part (id int, v text) partition by list (id);
    create table part_1 partition of part for values in (1); insert into orders values (1, 'first'); insert into part values (1, 'a')`;
  await using world = await triggerWorld('dumped', schema, {}, {}, server.settings());
  const { source, replication } = world;
  const running = replication.startSource();
  replication.startSink();
  await replication.settled();
  await running.stop();
  await source.query(/* sql */ `insert into orders values (2, 'nobody has read this'); truncate part_1`);
  await using restored = await freshDatabase('restored', server.settings());
  await restore(source.settings, restored.settings);
  await captures(restored);
  // The database that was dumped is not touched by that.
  replication.startSource();
  await replication.settled();
  expect(await replication.expectEqual('orders', 'part')).toBe(2);
});

async function captures(restored: Database): Promise<void> {
  // Whoever writes notices nothing.
  await restored.query(/* sql */ `insert into orders values (3, 'restored'); insert into part values (1, 'b')`);
  expect(await restored.query(`select count(*)::int as count from rowcast.events_shop where op = 'i'`)).toEqual([
    { count: 3 },
  ]);
  const open = async (): Promise<unknown> =>
    await createTriggerSource(
      triggerSettings(restored.settings, { autocreateMode: 'disabled' }),
      systemClock,
      () => {},
    ).open({ daemon: 'one', offset: 0, id: 'a' }, false, AbortSignal.timeout(20_000));
  await expect(open()).rejects.toThrow('was set up in another database, which this one was restored or upgraded from');
  await using target = await freshDatabase('restored_replica');
  await using replication = await Replication.open({
    source: restored.settings,
    target: target.settings,
    capture: (connection, warn) => createTriggerSource(triggerSettings(connection), systemClock, warn),
  });
  replication.startSource();
  replication.startSink();
  await replication.settled();
  const writer = await connect(restored.settings, 'writer', { search_path: 'public' });
  await writer.query(
    /* sql */ `update orders set note = note || '!'; delete from part; insert into part values (1, 'c')`,
  );
  await writer.end();
  await replication.settled();
  expect(await replication.expectEqual('orders', 'part')).toBe(4);
}
