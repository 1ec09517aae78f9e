import { expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '../../../src/servers/postgres-server.ts';
import type { ConnectorFile } from '../../../src/connector/load-file.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { lsnToPosition } from '../../../src/postgres/lsn.ts';
import { lookAtSlot } from '../../../src/source/wal/watch/slot-look.ts';
import type { ConnectorView } from '../../../src/worker/rest/daemon-view.ts';
import { dropOverBudget } from '../../../src/worker/slots/drop-over-budget.ts';
import { SlotWatch } from '../../../src/worker/slots/slot-watch.ts';
import type { ConnectorFailure } from '../../../src/worker/status.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { parseConnector } from '../../support/connector.ts';
import { type Database, freshDatabase, uniqueName } from '../../support/postgres.ts';
import { sink, ToldLogger } from '../connectors/fixture.ts';
import { sinkView, sourceView } from '../rest/fake-daemon.ts';

const PATIENCE = { timeout: 30_000 };
const MB = 1024 ** 2;

/** A database with a logical slot that nobody reads. */
async function slotted(server?: ConnectionSettings): Promise<{ readonly db: Database; readonly slot: string }> {
  const db = await freshDatabase('watch', server);
  onTestFinished(async () => await db[Symbol.asyncDispose]());
  const slot = uniqueName('watch_slot');
  await db.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
  return { db, slot };
}

function watched({ settings }: Database, slot: string, more: Readonly<Record<string, string>>): ConnectorFile {
  const config = {
    'connector.class': 'PostgresWalSource',
    'database.hostname': settings.host,
    'database.port': String(settings.port),
    'database.user': settings.user,
    'database.password': settings.password ?? '',
    'database.dbname': settings.database,
    'topic.prefix': 'shop',
    'slot.name': slot,
    'slot.watch.interval.ms': '50',
    ...more,
  };
  return parseConnector('shop-source.json', JSON.stringify({ name: 'shop-source', config }), {});
}

/** Writes WAL that means nothing to anybody. */
const write = async (db: Database, megabytes: number): Promise<unknown> =>
  await db.query(
    `select max(pg_logical_emit_message(false, 'filler', repeat('x', 1048576))) from generate_series(1, ${megabytes})`,
  );

test('a slot beyond its budget is told, dropped where that is the policy, and its connector halted', async () => {
  const { db, slot } = await slotted();
  const connector = watched(db, slot, { 'slot.budget.bytes': String(100 * MB), 'slot.budget.policy': 'drop' });
  const logger = new ToldLogger();
  const halted = new Map<string, ConnectorFailure>();
  const parts = {
    set: { whileStopped: <T>(_: string, work: () => Promise<T>): Promise<T> => work() },
    dropped: {
      add: async ({ connector: name, ...failure }: { readonly connector: string } & ConnectorFailure) => {
        // Stored before the slot goes.
        expect(await db.query(`select 1 from pg_replication_slots where slot_name = '${slot}'`)).toHaveLength(1);
        halted.set(name, failure);
      },
      forget: async (name: string) => void halted.delete(name),
    },
    logger,
  };
  const watch = new SlotWatch({
    clock: systemClock,
    logger,
    wanted: () => [connector, sink('replica.json', 'replica')],
    statuses: () => [],
    drop: (of, seen, signal) => dropOverBudget(of, seen, parts, signal),
  });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  const shown = (): readonly ConnectorView[] => {
    const replica = sinkView({ name: 'replica' });
    const { status } = replica;
    const position = lsnToPosition(1);
    if (status?.kind !== 'sink') throw new Error('A sink has the status of a sink');
    return watch.shownIn([
      sourceView({ name: 'shop-source' }),
      { ...replica, status: { ...status, counts: { ...status.counts, position } } },
    ]);
  };
  await expect
    .poll(() => shown()[0]?.slot, PATIENCE)
    .toMatchObject({
      slot,
      concern: undefined,
      finding: { level: 'ok', isActive: false, walStatus: 'reserved', limit: { bytes: 100 * MB, by: 'budget' } },
    });
  expect(shown()[1]?.walLag).toEqual({ bytes: expect.any(Number), transactions: undefined });
  expect(shown()[1]?.walLag?.bytes).toBeGreaterThan(MB);
  await write(db, 80);
  await expect.poll(() => shown()[0]?.slot?.concern, PATIENCE).toContain('held back by nobody reading it');
  await write(db, 60);
  await expect.poll(() => halted.get('shop-source')?.message, PATIENCE).toContain('a new copy is needed');
  const there = async (): Promise<number> =>
    (await db.query(`select 1 from pg_replication_slots where slot_name = '${slot}'`)).length;
  await expect.poll(there, PATIENCE).toBe(0);
  expect(halted.has('shop-source')).toBe(true);
  expect(shown()[0]?.slot).toBeUndefined();
  stop.abort();
  await running;
  expect(logger.lines.filter((line) => line.includes('slot keeps much WAL')).length).toBeLessThanOrEqual(1);
  expect(logger.lines.filter((line) => line.includes('slot keeps more WAL than its budget'))).toHaveLength(1);
  expect(logger.lines.filter((line) => line.includes('slot dropped because its budget is used up'))).toHaveLength(1);
});

test('a look shows what is kept, and the transaction that every slot is kept at', async () => {
  // The oldest transaction is that of the whole server: here it is the test's own.
  const server = await startPostgres();
  onTestFinished(async () => await server[Symbol.asyncDispose]());
  const { db, slot } = await slotted(server.settings());
  const other = await freshDatabase('watch_other', server.settings());
  onTestFinished(async () => await other[Symbol.asyncDispose]());
  const before = await lookAtSlot(db.client, slot);
  await other.query('begin; select pg_current_xact_id()');
  const [backend] = await other.query<{ pid: number }>('select pg_backend_pid() as pid');
  await write(db, 2);
  await db.query('create table flushed ()'); // a message alone is not written out
  const after = await lookAtSlot(db.client, slot);
  expect(after.running).toEqual({ pid: backend?.pid, seconds: expect.any(Number) });
  expect(after.walEnd - before.walEnd).toBeGreaterThan(MB);
  expect(after.nextXid).toBeGreaterThan(0);
  expect(after.slot).toMatchObject({
    restartLsn: before.slot?.restartLsn,
    confirmedLsn: before.slot?.confirmedLsn,
    walStatus: 'reserved',
    safeWalBytes: undefined,
    invalidation: undefined,
    pid: undefined,
  });
  await other.query('rollback');
  expect((await lookAtSlot(db.client, 'no_such_slot')).slot).toBeUndefined();
});
