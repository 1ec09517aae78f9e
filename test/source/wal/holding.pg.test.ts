import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresServer } from '../../../src/servers/postgres-server.ts';
import { connect } from '../../../src/postgres/connect.ts';
import { OperatorError, RefusedError } from '../../../src/errors.ts';
import { lsnToPosition, parseLsn } from '../../../src/postgres/lsn.ts';
import { type Database, freshDatabase, servers } from '../../support/postgres.ts';
import { createAndCopy, eventually, open, Reading, SELF } from './wal-fixture.ts';

const signal = new AbortController().signal;

describe.each(servers)('on $name', (kind) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await kind.start({ max_slot_wal_keep_size: '64MB', checkpoint_timeout: '1h' });
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  const database = async (name: string): Promise<Database> => {
    const db = await freshDatabase(name, server.settings());
    await db.query(`create table t (id int primary key, v text)`);
    return db;
  };
  const slotLsn = async (db: Database): Promise<number> => {
    const rows = await db.query<{ lsn: string }>(
      `select confirmed_flush_lsn::text as lsn from pg_replication_slots where database = current_database()`,
    );
    return parseLsn(rows[0]?.lsn ?? '');
  };

  test.each([
    { beyond: 0, sent: ['2', '3'], title: 'acknowledges exactly the position: an adjacent transaction is sent again' },
    { beyond: 1, sent: ['3'], title: 'would lose an adjacent transaction if it acknowledged one byte more' },
  ])('$title', async ({ beyond, sent }) => {
    await using db = await database(`adjacent_${beyond}`);
    const held = await open(db.settings);
    const { position } = await createAndCopy(held);
    const reading = new Reading(held, position);
    await using other = await clientOf(db);
    await db.query(`begin; insert into t values (1)`);
    await other.query(`begin; insert into public.t values (2)`);
    await db.query('commit');
    await other.query('commit');
    await reading.until(({ rows }) => rows.length === 2);
    // The first one's commit record ends where the second one's begins.
    const end = reading.changes.find(({ after }) => after?.['id'] === '2')?.commitLsn as number;
    await held.acknowledge(lsnToPosition(end + beyond));
    await eventually(async () => (await slotLsn(db)) === end + beyond);
    await reading[Symbol.asyncDispose]();
    await held[Symbol.asyncDispose]();
    await db.query(`insert into t values (3)`);
    await using again = await open(db.settings);
    await using second = new Reading(again, lsnToPosition(end));
    await second.until(({ rows }) => rows.at(-1)?.after?.['id'] === '3');
    expect(second.rows.map(({ after }) => after?.['id'])).toEqual(sent);
  });

  test('never acknowledges by itself what was only received', async () => {
    await using db = await database('received');
    await using held = await open(db.settings, { statusIntervalMs: 100 });
    const { position } = await createAndCopy(held);
    const before = await slotLsn(db);
    await using reading = new Reading(held, position);
    await db.query(`insert into t values (1)`);
    await reading.until(({ rows }) => rows.length === 1);
    await sleep(1500);
    expect(await slotLsn(db)).toBe(before);
    expect(lsnToPosition(before)).toBe(position);
    await held.acknowledge(reading.positions.at(-1) as string);
    await eventually(async () => lsnToPosition(await slotLsn(db)) === reading.positions.at(-1));
  });

  test('moves an idle position forward, and never back', async () => {
    await using db = await database('idle');
    await using held = await open(db.settings);
    const { position } = await createAndCopy(held);
    await using reading = new Reading(held, position, true);
    await db.query(`create table elsewhere (id int); select pg_logical_emit_message(false, 'x', repeat('x', 100000))`);
    await reading.until(({ positions }) => positions.some((each) => each > position));
    await db.query(`insert into t values (1)`);
    await reading.until(({ rows }) => rows.length === 1);
    expect(reading.positions.toSorted()).toEqual(reading.positions);
    expect(new Set(reading.positions).size).toBe(reading.positions.length);
  });

  test('lets the server forget what a neighbour database writes while nobody writes here', async () => {
    await using db = await database('quiet');
    await using neighbour = await database('neighbour');
    await using held = await open(db.settings, { statusIntervalMs: 100 });
    const { position } = await createAndCopy(held);
    await using reading = new Reading(held, position, true);
    await neighbour.query(`insert into t select i, repeat('x', 500) from generate_series(1, 10000) i`);
    const written = (await neighbour.query<{ lsn: string }>(`select pg_current_wal_lsn()::text as lsn`))[0]?.lsn;
    expect(parseLsn(written ?? '') - Number(BigInt(`0x${position}`))).toBeGreaterThan(4 * 1024 * 1024);
    await eventually(async () => {
      await db.query('checkpoint'); // it lists what runs, which moves restart_lsn
      const slot = `select from pg_replication_slots where database = current_database()
        and confirmed_flush_lsn >= '${written}' and restart_lsn >= '${written}'`;
      return (await db.query(slot)).length === 1;
    });
    expect(reading.rows).toEqual([]);
    await db.query(`insert into t values (1)`);
    await reading.until(({ rows }) => rows.length === 1);
  });

  test('drops what a crashed server sends again', async () => {
    await using own = await kind.start();
    const db = await freshDatabase('crash', own.settings());
    await db.query(`create table t (id int primary key)`);
    const held = await open(db.settings);
    const { position } = await createAndCopy(held);
    const reading = new Reading(held, position, true);
    for (let i = 0; i < 5; i++) {
      await db.query(`insert into t values (${i})`);
      await reading.until(({ rows }) => rows.length === i + 1);
    }
    const last = reading.positions.at(-1) as string;
    await own.stop('immediate');
    await reading.done;
    expect(reading.failure).toBeDefined();
    await held[Symbol.asyncDispose]();
    await own.start();
    await using again = await open(db.settings);
    expect((again.confirmed as string) < last).toBe(true); // the slot went back
    await using second = new Reading(again, last, true);
    await using client = await clientOf(db);
    await client.query(`insert into public.t values (99)`);
    await second.until(({ rows }) => rows.length > 0);
    expect(second.rows.map(({ after }) => after?.['id'])).toEqual(['99']);
    expect(second.positions.every((each) => each > last)).toBe(true);
  });

  test('lets a fast shutdown end soon, with the slot at the end of the WAL that was sent', async () => {
    await using own = await kind.start();
    const db = await freshDatabase('shutdown', own.settings());
    await db.query(`create table t (id int primary key)`);
    const held = await open(db.settings);
    const { position } = await createAndCopy(held);
    const reading = new Reading(held, position, true);
    await db.query(`insert into t values (1)`);
    await reading.until(({ rows }) => rows.length === 1);
    const stopped = own.stop('fast');
    expect(await Promise.race([stopped.then(() => 'stopped'), sleep(15_000, 'hangs')])).toBe('stopped');
    await reading.done;
    await held[Symbol.asyncDispose]();
    await own.start();
    await using client = await clientOf(db);
    const rows = (
      await client.query(`select confirmed_flush_lsn::text as lsn, current_setting('server_version_num')::int as version
        from pg_replication_slots`)
    ).rows;
    const confirmed = lsnToPosition(parseLsn(rows[0].lsn));
    const last = reading.positions.at(-1) as string;
    // Older servers do not always write the slot down when they shut down.
    if (rows[0].version >= 170_000) expect(confirmed).toBe(last);
    else expect(confirmed <= last).toBe(true);
  });

  test('closes the stream when a server shuts down and the log stores nothing', async () => {
    await using own = await kind.start();
    const db = await freshDatabase('stuck', own.settings());
    await db.query(`create table t (id int primary key)`);
    const held = await open(db.settings);
    const { position } = await createAndCopy(held);
    const reading = new Reading(held, position);
    await db.query(`insert into t values (1)`);
    await reading.until(({ rows }) => rows.length === 1);
    const stopped = own.stop('fast');
    expect(await Promise.race([stopped.then(() => 'stopped'), sleep(20_000, 'hangs')])).toBe('stopped');
    await reading.done;
    expect(String(reading.failure)).toContain('waits for a position that the log does not store');
    await held[Symbol.asyncDispose]();
  });

  test('refuses a second holder, and lets the next one in when the first is gone', async () => {
    await using db = await database('two');
    const held = await open(db.settings);
    await createAndCopy(held);
    const other = open(db.settings, {}, { daemon: 'other', offset: 9, id: 'b' });
    await expect(other).rejects.toBeInstanceOf(RefusedError);
    // Another connector's name has another lock: there the slot itself refuses.
    await using reading = new Reading(held, held.confirmed as string);
    await eventually(async () => (await db.query('select 1 from pg_stat_replication')).length === 1);
    await expect(open(db.settings, { name: 'another' })).rejects.toBeInstanceOf(RefusedError);
    await reading[Symbol.asyncDispose]();
    await held[Symbol.asyncDispose]();
    await (await open(db.settings, {}, { daemon: 'other', offset: 9, id: 'b' }))[Symbol.asyncDispose]();
  });

  test('ends an older incarnation of the same daemon, and never a newer one', async () => {
    await using db = await database('stale');
    const old = await open(db.settings);
    const { position } = await createAndCopy(old);
    const oldReading = new Reading(old, position);
    await eventually(async () => (await db.query('select 1 from pg_stat_replication')).length === 1);
    await using young = await open(db.settings, {}, { ...SELF, offset: 2 });
    await oldReading.done;
    expect(oldReading.failure).toBeDefined();
    await expect(open(db.settings, {}, SELF)).rejects.toBeInstanceOf(RefusedError);
    await expect(open(db.settings, {}, { ...SELF, daemon: 'other', offset: 3 })).rejects.toBeInstanceOf(RefusedError);
    const taken = await open(db.settings, {}, { ...SELF, daemon: 'other', offset: 0 }, true);
    await taken[Symbol.asyncDispose]();
    await old[Symbol.asyncDispose]();
    expect(young.slot).toBe(old.slot);
  });

  test('hands out a giant transaction in bounded batches, of which only the last has a position', async () => {
    await using db = await database('giant');
    await using held = await open(db.settings, { maxBatchBytes: 65_536 });
    const { position } = await createAndCopy(held);
    await using reading = new Reading(held, position);
    await db.query(`insert into t select i, repeat('x', 100) from generate_series(1, 5000) i`);
    await reading.until(({ rows }) => rows.length === 5000);
    const batches = reading.batches.filter(({ length }) => length > 0);
    expect(batches.length).toBeGreaterThan(8);
    expect(batches.map((batch) => batch.position !== undefined).indexOf(true)).toBe(batches.length - 1);
    expect(reading.rows.map(({ after }) => Number(after?.['id']))).toEqual(
      Array.from({ length: 5000 }, (_, i) => i + 1),
    );
  });

  test('holds little while nobody pulls, and goes on when somebody does', async () => {
    await using db = await database('unpulled');
    await using held = await open(db.settings, { maxBatchBytes: 65_536, statusIntervalMs: 100 });
    const { position } = await createAndCopy(held);
    const stop = new AbortController();
    const batches = held.read(position, stop.signal)[Symbol.asyncIterator]();
    const first = batches.next();
    await db.query(`insert into t select i, repeat('x', 1000) from generate_series(1, 60000) i`);
    let rows = (await first).value?.length ?? 0;
    const before = process.memoryUsage();
    await sleep(1500);
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(16 * 1024 * 1024);
    for (let next = await batches.next(); rows < 60_000; next = await batches.next()) {
      rows += next.value?.length ?? 0;
      if (rows >= 60_000) break;
    }
    expect(rows).toBe(60_001); // and the table version
    stop.abort();
    await batches.return?.();
  });

  test('stops with advice when the slot was invalidated', async () => {
    await using own = await kind.start({ max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '32MB' });
    await using db = await freshDatabase('lost', own.settings());
    await db.query(`create table t (id int primary key)`);
    const held = await open(db.settings);
    await createAndCopy(held);
    await held[Symbol.asyncDispose]();
    for (let i = 0; i < 6; i++)
      await db.query(`select pg_logical_emit_message(false, 'x', repeat('x', 9000000)); select pg_switch_wal()`);
    await db.query('checkpoint');
    const failure = await open(db.settings).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OperatorError);
    expect(String(failure)).toContain('was invalidated');
  });

  test('names the publication that is missing', async () => {
    await using db = await database('no_publication');
    const opening = open(db.settings, { publicationAutocreateMode: 'disabled' });
    await expect(opening).rejects.toThrow('Publication "pub" does not exist');
  });

  test('creates the slot anew, also while its stream is open', async () => {
    await using db = await database('anew');
    await using held = await open(db.settings);
    const first = await held.create(signal);
    await held[Symbol.asyncDispose]();
    await db.query(`insert into t values (1)`);
    await using again = await open(db.settings);
    expect(again.confirmed).toBe(first);
    expect(await again.exists(signal)).toBe(true);
    const { position, changes } = await createAndCopy(again);
    expect(position > first).toBe(true);
    expect(changes.filter(({ op }) => op === 'read')).toHaveLength(1);
  });

  test('gives up waiting for running transactions when it is told to', async () => {
    await using db = await database('waits');
    await using held = await open(db.settings);
    await db.query(`begin; insert into t values (1)`);
    const stop = new AbortController();
    const creating = held.create(stop.signal);
    await eventually(async () => {
      await using client = await clientOf({ settings: server.settings() });
      const sql = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and backend_type = 'walsender'`;
      return (await client.query(sql)).rows.length > 0;
    });
    stop.abort();
    await expect(creating).rejects.toThrow();
    await db.query('commit');
  });

  test('knows its own server and history', async () => {
    await using db = await database('identity');
    await using held = await open(db.settings);
    const { identity } = held;
    expect(identity.system).toMatch(/^\d{15,20}$/);
    const position = lsnToPosition(1);
    expect(await held.descendsFrom(identity, position, signal)).toBe(true);
    expect(await held.descendsFrom({ ...identity, system: '1' }, position, signal)).toBe(false);
    expect(await held.descendsFrom({ ...identity, timeline: 2 }, position, signal)).toBe(false);
  });

  test('streams without a copy when no data is wanted, and ends after the copy when only that is', async () => {
    await using db = await database('modes');
    await db.query(`insert into t values (1)`);
    await using none = await open(db.settings, { snapshotMode: 'no_data' });
    const copy = await createAndCopy(none);
    expect([copy.changes, copy.batches]).toEqual([[], 1]);
    await none[Symbol.asyncDispose]();
    await using only = await open(db.settings, { snapshotMode: 'initial_only' });
    const { position, changes } = await createAndCopy(only);
    expect(changes.filter(({ op }) => op === 'read')).toHaveLength(1);
    const batches = [];
    for await (const batch of only.read(position, signal)) batches.push(batch);
    expect(batches).toEqual([]);
  });

  test.each([
    { ended: true, title: 'ends quietly again after a copy that was all that is wanted, whose slot it dropped' },
    { ended: false, title: 'drops the slot of such a copy when it was killed before it could' },
  ])('$title', async ({ ended }) => {
    await using db = await database('only_once');
    const reopen = async () => await open(db.settings, { snapshotMode: 'initial_only' });
    const slots = async (): Promise<number> =>
      (await db.query(`select 1 from pg_replication_slots where database = current_database()`)).length;
    const first = await reopen();
    expect(first.confirmed).toBeUndefined(); // nothing is promised before the first claim
    const { position } = await createAndCopy(first);
    if (ended) await first.read(position, signal)[Symbol.asyncIterator]().next();
    expect(await slots()).toBe(ended ? 0 : 1);
    await first[Symbol.asyncDispose]();
    if (ended) await db.query(`drop publication pub`); // nobody needs it any more
    await db.query(`insert into t values (1)`);
    await using again = await reopen();
    expect(await again.descendsFrom({ ...first.identity, system: '1' }, position, signal)).toBe(false);
    expect(await again.descendsFrom(first.identity, position, signal)).toBe(true);
    expect(again.confirmed).toBe(position);
    expect(await again.read(position, signal)[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    expect(await slots()).toBe(0);
  });
});

async function clientOf(db: Pick<Database, 'settings'>) {
  const client = await connect(db.settings, 'rowcast test');
  return { query: (sql: string) => client.query(sql), [Symbol.asyncDispose]: async () => await client.end() };
}
