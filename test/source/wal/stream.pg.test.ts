import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresServer } from '../../../src/servers/postgres-server.ts';
import { positionToLsn } from '../../../src/postgres/lsn.ts';
import { type Database, freshDatabase, servers } from '../../support/postgres.ts';
import { createAndCopy, open, Reading, type Row } from './wal-fixture.ts';
import type { WalSourceSettings } from '../../../src/source/wal/settings.ts';

describe.each(servers)('on $name', (kind) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await kind.start();
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  /** A database with tables, held from its present state on. */
  const held = async (name: string, sql: string, more: Partial<WalSourceSettings> = {}) => {
    const db: Database = await freshDatabase(name, server.settings());
    await db.query(sql);
    const source = await open(db.settings, more);
    const copy = await createAndCopy(source);
    const reading = new Reading(source, copy.position);
    return {
      db,
      copy,
      reading,
      /** Runs statements and returns the rows that come of them. */
      rowsOf: async (statements: string, count: number) => {
        const start = reading.rows.length;
        await db.query(statements);
        await reading.until(({ rows }) => rows.length >= start + count);
        return reading.rows.slice(start);
      },
      async [Symbol.asyncDispose]() {
        await reading[Symbol.asyncDispose]();
        await source[Symbol.asyncDispose]();
        await db[Symbol.asyncDispose]();
      },
    };
  };

  test('copies what was there, then streams what comes, each once', async () => {
    await using source = await held(
      'hand_over',
      `create table t (id int primary key, v text); insert into t values (1, E'a\\tb\\\\\\n'), (2, null)`,
    );
    expect(source.copy.changes.map(({ op, control, after }) => control?.kind ?? [op, after])).toEqual([
      'table',
      'snapshot-begin',
      ['read', { id: '1', v: 'a\tb\\\n' }],
      ['read', { id: '2', v: null }],
      'snapshot-end',
    ]);
    const rows = await source.rowsOf(
      `insert into t values (3, 'x'); update t set v = 'y' where id = 1; delete from t where id = 2;
       update t set id = 4 where id = 3`,
      4,
    );
    expect(rows).toEqual([
      { op: 'insert', table: 't', after: { id: '3', v: 'x' } },
      { op: 'update', table: 't', after: { id: '1', v: 'y' } },
      { op: 'delete', table: 't', before: { id: '2', v: null } },
      { op: 'keyChange', table: 't', before: { id: '3', v: null }, after: { id: '4', v: 'x' } },
    ]);
  });

  test('passes over a large transaction whose subtransactions were rolled back with it', async () => {
    await using db = await freshDatabase('rolled_back', server.settings());
    await db.query(
      `create table t (id int primary key);
       do $$ begin execute format('alter database %I set logical_decoding_work_mem = 64', current_database()); end $$`,
    );
    const before = await open(db.settings);
    const { position } = await createAndCopy(before);
    await before[Symbol.asyncDispose]();
    // Nobody reads meanwhile: when it is decoded the server knows that it was rolled back.
    await db.query('begin; savepoint s; insert into t values (0); release s');
    await db.query('insert into t select generate_series(1, 5000); rollback; insert into t values (1)');
    await using source = await open(db.settings);
    await using reading = new Reading(source, position);
    await reading.until(({ rows }) => rows.length > 0);
    expect(reading.rows).toEqual([{ op: 'insert', table: 't', after: { id: '1' } }]);
  });

  test('tells unchanged TOAST values from NULL, and fills them under identity full', async () => {
    const big = `repeat('x', 9000)`;
    await using source = await held(
      'toast',
      `create table d (id int primary key, big text, v int); alter table d alter big set storage external;
       create table f (id int primary key, big text, v int); alter table f alter big set storage external;
       alter table f replica identity full;
       insert into d values (1, ${big}, null); insert into f values (1, ${big}, null)`,
    );
    const full = 'x'.repeat(9000);
    const rows = await source.rowsOf(
      `update d set v = 1; update d set id = 2; update f set v = 1; update f set id = 2; delete from f`,
      5,
    );
    expect(rows).toEqual([
      { op: 'update', table: 'd', after: { id: '1', big: '<unchanged>', v: '1' } },
      {
        op: 'keyChange',
        table: 'd',
        before: { id: '1', big: null, v: null },
        after: { id: '2', big: '<unchanged>', v: '1' },
      },
      {
        op: 'update',
        table: 'f',
        before: { id: '1', big: full, v: null },
        after: { id: '1', big: full, v: '1' },
      },
      {
        op: 'keyChange',
        table: 'f',
        before: { id: '1', big: full, v: '1' },
        after: { id: '2', big: full, v: '1' },
      },
      { op: 'delete', table: 'f', before: { id: '2', big: full, v: '1' } },
    ]);
  });

  test('knows a TOAST value that is part of the key', async () => {
    await using source = await held(
      'toast_key',
      `create table t (a text primary key, v int); alter table t alter a set storage external;
       insert into t values (repeat('k', 2500), 1)`,
    );
    const a = 'k'.repeat(2500);
    expect(await source.rowsOf(`update t set v = 2`, 1)).toEqual([{ op: 'update', table: 't', after: { a, v: '2' } }]);
  });

  test('streams tables without key, with an index as identity, and the key of identity full from the catalog', async () => {
    await using source = await held(
      'identities',
      `create table n (v int);
       create table i (id int primary key, code text not null); create unique index c on i (code);
       alter table i replica identity using index c;
       create table f (v int); alter table f replica identity full;
       create table p (b int, a int, primary key (a, b)); alter table p replica identity full`,
    );
    const rows = await source.rowsOf(
      `insert into n values (1); insert into i values (1, 'x'); update i set id = 2; delete from i;
       insert into f values (1), (1); update f set v = 2; delete from f; insert into p values (1, 2)`,
      11,
    );
    expect(rows.slice(0, 4)).toEqual([
      { op: 'insert', table: 'n', after: { v: '1' } },
      { op: 'insert', table: 'i', after: { id: '1', code: 'x' } },
      { op: 'update', table: 'i', after: { id: '2', code: 'x' } },
      { op: 'delete', table: 'i', before: { id: null, code: 'x' } },
    ]);
    expect(rows.slice(6, 8).map(({ op, before, after }) => [op, before, after])).toEqual([
      ['update', { v: '1' }, { v: '2' }],
      ['update', { v: '1' }, { v: '2' }],
    ]);
    const keys = (changes: typeof source.reading.changes): unknown =>
      Object.fromEntries(
        changes.flatMap(({ control }) =>
          control?.kind === 'table' ? [[control.table.name, [control.table.identity, control.table.key]]] : [],
        ),
      );
    const told = { n: ['default', []], i: ['index', [1]], f: ['full', []], p: ['full', [1, 0]] };
    expect(keys(source.copy.changes)).toEqual(told);
    expect(keys(source.reading.changes)).toEqual(told);
  });

  test('tells a truncate once, with all its tables', async () => {
    await using source = await held(
      'truncates',
      `create table a (id int primary key); create table b (id int references a); create table other (id int)`,
      { tableExclude: ['public.other'] },
    );
    await source.db.query(`truncate a restart identity cascade; truncate other; insert into a values (1)`);
    await source.reading.until(({ rows }) => rows.length === 1);
    const truncates = source.reading.changes.flatMap(({ control }) => (control?.kind === 'truncate' ? [control] : []));
    expect(truncates).toHaveLength(1);
    expect(truncates[0]?.tables.map(({ name }) => name).toSorted()).toEqual(['a', 'b']);
    expect(truncates[0]).toMatchObject({ cascade: true, restartIdentity: true });
  });

  test('announces a table version before its rows, again only when it changed, also inside a transaction', async () => {
    await using source = await held('versions', `create table t (id int primary key); create type mood as enum ('a')`);
    await source.rowsOf(
      `insert into t values (1); insert into t values (2); alter table t add v mood default 'a';
       insert into t values (3); alter table t rename v to w; insert into t values (4, null);
       alter table t drop w; insert into t values (5)`,
      5,
    );
    const told = source.reading.changes.map(({ op, control, version, after }) =>
      control?.kind === 'table' ? control.table : [op, version, after],
    );
    const first = source.copy.changes[0]?.version ?? 1;
    expect(told).toMatchObject([
      { version: first + 1, columns: [{ name: 'id', attnum: 1, nullable: false }] },
      ['insert', first + 1, { id: '1' }],
      ['insert', first + 1, { id: '2' }],
      { version: first + 2, columns: [{ name: 'id' }, { name: 'v', type: { kind: 'enum', labels: ['a'] } }] },
      ['insert', first + 2, { id: '3', v: 'a' }],
      { version: first + 3, columns: [{ name: 'id' }, { name: 'w' }] },
      ['insert', first + 3, { id: '4', w: null }],
      { version: first + 4, columns: [{ name: 'id' }] },
      ['insert', first + 4, { id: '5' }],
    ]);
    await source.db.query('analyze t');
    await source.rowsOf('insert into t values (6)', 1);
    expect(source.reading.changes.at(-1)?.version).toBe(first + 4);
  });

  test('tells what older rows have in a column that was added, also after something rewrote them', async () => {
    await using source = await held('missing', `create table t (id int primary key); insert into t values (0)`);
    await source.rowsOf(
      `alter table t add v text default 'a'; alter table t alter v set default 'b'; insert into t values (1)`,
      1,
    );
    await source.db.query(`vacuum full t`);
    await source.rowsOf(`insert into t values (2); analyze t; insert into t values (3)`, 2);
    const told = source.reading.changes.flatMap(({ control }) =>
      control?.kind === 'table' ? [control.table.columns] : [],
    );
    expect(told).toMatchObject([[{ name: 'id' }, { name: 'v', missing: 'a' }]]);
    expect(told[0]?.[0]).not.toHaveProperty('missing');
    await source.rowsOf(`alter table t alter v type varchar(9); insert into t values (4)`, 1);
    const last = source.reading.changes.findLast(({ control }) => control?.kind === 'table')?.control;
    expect(last?.kind === 'table' && last.table.columns[1]?.missing).toBeUndefined();
  });

  test('keeps the number of a column that was renamed since', async () => {
    await using source = await held('renames', `create table t (id int primary key, v text)`);
    const rows = await source.rowsOf(`insert into t values (1, 'x'); alter table t rename v to w`, 1);
    expect(rows).toEqual([{ op: 'insert', table: 't', after: { id: '1', v: 'x' } }]);
    const control = source.reading.changes[0]?.control;
    expect(control?.kind === 'table' && control.table.columns).toMatchObject([{ attnum: 1 }, { name: 'v', attnum: 2 }]);
  });

  test('believes a NULL of the stream more than a NOT NULL of the newer catalog', async () => {
    await using source = await held('relaxed', `create table t (id int primary key, v text)`);
    const rows = await source.rowsOf(
      `insert into t values (1, 'x'), (2, null); update t set v = 'y' where id = 2; alter table t alter v set not null`,
      3,
    );
    expect(rows.map(({ after }) => after?.['v'])).toEqual(['x', null, 'y']);
    const nullable = source.reading.changes.flatMap(({ control }) =>
      control?.kind === 'table' ? [control.table.columns[1]?.nullable] : [],
    );
    expect(nullable).toEqual([false, true]);
    expect(source.reading.changes.map(({ op }) => op)).toEqual(['control', 'insert', 'control', 'insert', 'update']);
  });

  test('leaves excluded columns out, never a key, in the copy as in the stream', async () => {
    await using source = await held(
      'columns',
      `create table t (id int primary key, secret text, v int); insert into t values (1, 'sesame', 2)`,
      { columnExclude: ['public\\.t\\.(id|secret)'] },
    );
    expect(source.copy.changes.find(({ op }) => op === 'read')?.after).toEqual({ id: '1', v: '2' });
    const rows = await source.rowsOf(`insert into t values (2, 'sesame', null); update t set id = 3 where id = 2`, 2);
    expect(rows).toEqual([
      { op: 'insert', table: 't', after: { id: '2', v: null } },
      { op: 'keyChange', table: 't', before: { id: '2', v: null }, after: { id: '3', v: null } },
    ]);
  });

  test('sends the same text in copy and stream, whatever role and database prefer', async () => {
    const types: Record<string, string> = {
      i: 'int8',
      n: 'numeric',
      f: 'float8',
      r: 'float4',
      b: 'bytea',
      ts: 'timestamp',
      tz: 'timestamptz',
      iv: 'interval',
      m: 'money',
      a: 'text[]',
      j: 'jsonb',
      x: 'xml',
      c: 'ct',
      e: 'e',
      d: 'dom',
      rg: 'int4range',
      bo: 'bool',
      q: '"char"',
    };
    const values = `(1, -9223372036854775808, 1.10, 0.1::float8 + 0.2, 1.1, '\\xdead', '2026-03-04 05:06:07.123456',
      '2026-03-04 05:06:07.1+09', '1 mon -2 days 3:04:05.6', 12.34, array['a,b', null, '"'], '{"a": 1e400}', '<a/>',
      row(1, 'x y'), 'ü', 'v', '[1,5)', true, 'c')`;
    const columns = Object.entries(types).map(([name, type]) => `${name} ${type}`);
    await using db = await freshDatabase('text_forms', server.settings());
    await db.query(`create type ct as (a int, b text); create type e as enum ('ü'); create domain dom as text;
      create table t (id int primary key, ${columns.join(', ')}); insert into t values ${values}`);
    for (const setting of [
      `datestyle = 'SQL, DMY'`,
      `extra_float_digits = -5`,
      `bytea_output = 'escape'`,
      `intervalstyle = 'sql_standard'`,
      `timezone = 'Asia/Tokyo'`,
      `statement_timeout = '1ms'`,
      `search_path = 'public'`,
      `xmloption = 'document'`,
    ]) {
      await db.query(`alter database "${db.settings.database}" set ${setting}`);
    }
    await using source = await open(db.settings);
    const { position, changes } = await createAndCopy(source);
    await using reading = new Reading(source, position);
    await db.query(`update t set id = 2`);
    await reading.until(({ rows }) => rows.length === 1);
    const copied = changes.find(({ op }) => op === 'read')?.after as Row;
    expect({ ...copied, id: '2' }).toEqual(reading.rows[0]?.after);
    expect(copied).toMatchObject({
      f: '0.30000000000000004',
      b: '\\xdead',
      ts: '2026-03-04 05:06:07.123456',
      tz: '2026-03-03 20:06:07.1+00',
      iv: '1 mon -2 days +03:04:05.6',
      e: 'ü',
      c: '(1,"x y")',
      a: '{"a,b",NULL,"\\""}',
    });
    const [fromCopy, fromStream] = [changes, reading.changes].map((list) =>
      list.flatMap(({ control }) => (control?.kind === 'table' ? [{ ...control.table, version: 0 }] : [])),
    );
    expect(fromStream).toEqual(fromCopy);
  });

  test('publishes a partitioned table as one table', async () => {
    await using source = await held(
      'partitions',
      `create table p (id int primary key, v int) partition by range (id);
       create table p1 partition of p for values from (0) to (10); create table p2 partition of p for values from (10) to (20);
       create table parent (id int primary key); create table child () inherits (parent);
       insert into p values (1), (11); insert into parent values (1); insert into child values (2)`,
    );
    const copied = source.copy.changes
      .filter(({ op }) => op === 'read')
      .map(({ table, after }) => `${table} ${after?.['id']}`);
    expect(copied.toSorted()).toEqual(['child 2', 'p 1', 'p 11', 'parent 1']);
    const rows = await source.rowsOf(
      `create table p3 partition of p for values from (20) to (30); insert into p values (21); update p set id = 2 where id = 21`,
      3,
    );
    // A row that moves to another partition is deleted there and inserted here.
    expect(rows.map(({ op, table, before, after }) => [op, table, before?.['id'], after?.['id']])).toEqual([
      ['insert', 'p', undefined, '21'],
      ['delete', 'p', '21', undefined],
      ['insert', 'p', undefined, '2'],
    ]);
  });

  test('resumes at a position without loss or repetition, and drops what the server sends again', async () => {
    await using source = await held('resume', `create table t (id int primary key)`);
    for (let i = 1; i <= 5; i++) await source.rowsOf(`insert into t values (${i})`, 1);
    const commits = source.reading.changes.filter(({ op }) => op === 'insert');
    const position = source.reading.positions.find(
      (each) => positionToLsn(each) > (commits[2]?.commitLsn ?? 0),
    ) as string;
    await source.reading[Symbol.asyncDispose]();
    await source.reading.held[Symbol.asyncDispose]();
    // Nothing was acknowledged: the slot stands at its beginning.
    await using again = await open(source.db.settings);
    expect(again.confirmed).toBe(source.copy.position);
    await using reading = new Reading(again, position);
    await reading.until(({ rows }) => rows.length === 2);
    expect(reading.rows.map(({ after }) => after?.['id'])).toEqual(['4', '5']);
  });
});
