import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/finding.ts';
import type { ConnectionSettings } from '../../../../src/postgres/connection-settings.ts';
import { connect } from '../../../../src/postgres/connect.ts';
import { quoteIdentifier, quoteLiteral } from '../../../../src/postgres/identifier.ts';
import { checkWalSource } from '../../../../src/source/wal/preflight/preflight.ts';
import type { WalSourceSettings } from '../../../../src/source/wal/settings.ts';
import { nearest } from '../../../../src/connector/nearest.ts';
import { type Database, freshDatabase } from '../../../support/postgres.ts';

const signal: AbortSignal = new AbortController().signal;
/** A default server is fine for trying, and these are said of it. */
const ALWAYS = ['slot size'];

let db: Database;
let role: string;
let others: string[];

beforeEach(async () => {
  db = await freshDatabase('preflight');
  role = `Capture "${db.settings.database}`;
  others = [];
  await db.query(`create role ${quoteIdentifier(role)} login replication password 'capture-me'`);
  await db.query('create table orders (id int primary key, note text); insert into orders values (1)');
});

afterEach(async () => {
  for (const each of [role, ...others]) {
    await db.query(`drop owned by ${quoteIdentifier(each)}; drop role ${quoteIdentifier(each)}`);
  }
  await db[Symbol.asyncDispose]();
});

function settings(
  overrides: Partial<WalSourceSettings> = {},
  connection: Partial<ConnectionSettings> = {},
): WalSourceSettings {
  return {
    connection: { ...db.settings, user: role, password: 'capture-me', ...connection },
    name: 'capture',
    slotName: `slot_${db.settings.database}`,
    publicationName: 'shop "pub"',
    publicationAutocreateMode: 'filtered',
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: ['public\\..*'],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    snapshotMode: 'initial',
    snapshotThreads: 1,
    snapshotChunkBytes: 1024 * 1024,
    maxBatchBytes: 1_000_000,
    statusIntervalMs: 10_000,
    ...overrides,
  };
}

async function check(given: WalSourceSettings = settings()): Promise<readonly Finding[]> {
  const { findings } = await checkWalSource(given, nearest, signal);
  return findings.filter(({ level, check: what }) => level !== 'ok' && !ALWAYS.includes(what));
}

/** Finds exactly one thing wrong, does what is said to mend it, and finds nothing any more. */
async function mend(finding: string, given: WalSourceSettings = settings(), level = 'problem'): Promise<Finding> {
  const before = await check(given);
  expect(before.map(({ level: l, check: c }) => `${l} ${c}`)).toEqual([`${level} ${finding}`]);
  const [found] = before as [Finding];
  await db.query(found.fix as string);
  expect(await check(given)).toEqual([]);
  return found;
}

async function asOwner(): Promise<void> {
  await db.query(`alter table orders owner to ${quoteIdentifier(role)}`);
  await db.query(`grant create on database ${quoteIdentifier(db.settings.database)} to ${quoteIdentifier(role)}`);
}

describe('a look at a source', () => {
  test('has nothing to say where all is well', async () => {
    await asOwner();
    expect(await check()).toEqual([]);
  });

  test('gives the publication to make for a role that cannot', async () => {
    await db.query(`grant select on orders to ${quoteIdentifier(role)}`);
    const found = await mend('publication');
    expect(found.message).toContain('does not own table public.orders');
    const [publication] = await db.query(`select pubviaroot from pg_publication where pubname = 'shop "pub"'`);
    expect(publication).toEqual({ pubviaroot: true });
  });

  test('gives the publication to make where it must exist', async () => {
    await asOwner();
    await mend('publication', settings({ publicationAutocreateMode: 'disabled' }));
  });

  test('gives the publication for all tables that only a superuser makes', async () => {
    await asOwner();
    await mend('publication', settings({ publicationAutocreateMode: 'all_tables' }));
  });

  test('adds what a publication by somebody else lacks', async () => {
    await asOwner();
    await db.query(`create table later (id int primary key); grant select on later to ${quoteIdentifier(role)}`);
    await db.query(`create publication "shop ""pub""" for table only orders`);
    const found = await mend('publication', settings({ publicationAutocreateMode: 'disabled' }));
    expect(found.message).toContain('public.later');
    expect(found.fix).toBe('alter publication "shop ""pub""" add table only "public"."later";');
  });

  test('finds operations, partitions and rows that a publication leaves out', async () => {
    await asOwner();
    await db.query(`create table parted (id int primary key) partition by range (id);
      create table parted_1 partition of parted for values from (0) to (10);
      alter table parted owner to ${quoteIdentifier(role)};
      create publication "shop ""pub""" for table orders where (id > 5), parted with (publish = 'insert')`);
    const found = await check(settings({ publicationAutocreateMode: 'no_tables' }));
    expect(found.map(({ level, message }) => `${level} ${message}`)).toEqual([
      expect.stringContaining('problem It leaves out every update and delete and truncate'),
      expect.stringContaining('problem It publishes partitions under their own names'),
      expect.stringContaining('warning It publishes only some rows of table public.orders'),
    ]);
    for (const { fix } of found) await db.query(fix as string);
    expect(await check(settings({ publicationAutocreateMode: 'no_tables' }))).toEqual([]);
  });

  test('gives the right to replicate', async () => {
    await asOwner();
    await db.query(`alter role ${quoteIdentifier(role)} noreplication`);
    await mend('replication');
  });

  test('gives the right to read each table, and to use its schema', async () => {
    await asOwner();
    await db.query(`create schema "My Shop"; create table "My Shop"."It's" (id int primary key);
      create publication "shop ""pub""" for table only orders, only "My Shop"."It's" with (publish_via_partition_root = true)`);
    const found = await check(settings({ tableInclude: [] }));
    expect(found.map(({ check: what, object }) => `${what}: ${object}`)).toEqual([
      'rights: schema My Shop',
      "rights: table My Shop.It's",
    ]);
    for (const { fix } of found) await db.query(fix as string);
    expect(await check(settings({ tableInclude: [] }))).toEqual([]);
  });

  test.each([
    ['without a key', 'create table loose (a int)', 'full;'],
    [
      'with a unique index',
      'create table loose (a int not null); create unique index "The ""one" on loose (a)',
      '"The ""one";',
    ],
    [
      'with identity nothing',
      'create table loose (a int primary key); alter table loose replica identity nothing',
      'default;',
    ],
  ])('gives a replica identity to a table %s', async (_, ddl, end) => {
    await asOwner();
    await db.query(`${ddl}; alter table loose owner to ${quoteIdentifier(role)}`);
    const [found] = (await check()) as [Finding];
    expect(found).toMatchObject({ level: 'problem', check: 'replica identity', object: 'table public.loose' });
    expect(found.fix?.endsWith(end)).toBe(true);
    await db.query(found.fix as string);
    expect((await check()).filter(({ level }) => level === 'problem')).toEqual([]);
    // It was true: once published, the server refuses what the finding says it refuses.
    await db.query(`create publication all_of_it for table loose; insert into loose values (1); delete from loose`);
  });

  test('lets a role past row security that would hide rows from the copy', async () => {
    await asOwner();
    await db.query('alter table orders enable row level security; alter table orders force row level security');
    await mend('row security');
  });

  test('names the nearest table when the filters match none', async () => {
    await asOwner();
    const [found] = (await check(settings({ tableInclude: ['public\\.ordres'] }))) as [Finding];
    expect(found).toMatchObject({
      level: 'problem',
      check: 'tables',
      fix: '"table.include.list": "public\\\\.orders"',
    });
    expect(found.message).toContain('public.orders');
  });

  test('warns of an expression without effect and of unlogged tables', async () => {
    await asOwner();
    await db.query('create unlogged table fleeting (id int primary key)');
    const found = await check(settings({ tableInclude: ['public\\..*', 'public\\.custmers'] }));
    expect(found.map(({ level, check: what }) => `${level} ${what}`)).toEqual(['warning tables', 'warning unlogged']);
  });

  test('tells who holds the slot, and what a wrong slot is', async () => {
    await asOwner();
    const slot = settings().slotName;
    await db.query(`select pg_create_logical_replication_slot(${quoteLiteral(slot)}, 'test_decoding')`);
    const [wrong] = (await check()) as [Finding];
    expect(wrong).toMatchObject({ check: 'slot', message: 'It belongs to plugin test_decoding.' });
    await db.query(`select pg_drop_replication_slot(${quoteLiteral(slot)})`);
    await db.query(`select pg_create_logical_replication_slot(${quoteLiteral(slot)}, 'pgoutput')`);
    await db.query(`create publication "shop ""pub""" for table only orders with (publish_via_partition_root = true)`);
    expect(await check()).toEqual([]);
    const walsender = await connect(db.settings, 'somebody else', { replication: 'database' });
    walsender
      .query(
        `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 (proto_version '1', publication_names '"shop ""pub"""')`,
      )
      .catch(() => {});
    await expect.poll(async () => (await check())[0]?.message).toContain('It is held by another connection');
    const [held] = (await check()) as [Finding];
    await db.query(held.fix as string);
    await expect.poll(async () => await check()).toEqual([]);
  });
});

describe('a connection that fails', () => {
  test('is one problem each, with what mends it', async () => {
    await db.query(`alter role ${quoteIdentifier(role)} nologin`);
    const { fix } = (await check())[0] as Finding;
    await db.query(fix as string);
    await asOwner();
    expect(await check()).toEqual([]);
    expect(await check(settings({}, { password: 'wrong' }))).toMatchObject([
      { level: 'problem', check: 'credentials' },
    ]);
    expect(await check(settings({}, { database: 'no "such' }))).toMatchObject([
      { check: 'database', fix: 'create database "no ""such";' },
    ]);
    expect(await check(settings({}, { port: 1 }))).toMatchObject([
      { check: 'reachable', object: 'server 127.0.0.1:1' },
    ]);
    expect(await check(settings({}, { host: 'no-such-host.invalid' }))).toMatchObject([{ check: 'reachable' }]);
    expect(await check(settings({}, { sslmode: 'require' }))).toMatchObject([{ check: 'tls' }]);
  });

  test('is given the right to connect', async () => {
    await asOwner();
    await db.query(`revoke connect on database ${quoteIdentifier(db.settings.database)} from public`);
    const [found] = (await check()) as [Finding];
    expect(found).toMatchObject({ check: 'database' });
    await db.query(found.fix as string);
    expect(await check()).toEqual([]);
  });
});

test('a look changes nothing in the catalogs', async () => {
  await asOwner();
  const state = `select (select json_agg(c order by c.oid) from pg_class c), (select json_agg(p order by p.oid) from pg_publication p),
    (select json_agg(s.slot_name) from pg_replication_slots s where s.database = current_database()),
    (select json_agg(n order by n.oid) from pg_namespace n), (select json_agg(r order by r.oid) from pg_roles r where r.rolname = ${quoteLiteral(role)})`;
  const before = await db.query(state);
  await check();
  await check(settings({ publicationAutocreateMode: 'all_tables' }));
  expect(await db.query(state)).toEqual(before);
});
