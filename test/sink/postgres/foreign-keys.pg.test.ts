import { describe, expect, test } from 'vitest';
import { RecordError } from '../../../src/errors.ts';
import { createPostgresSink } from '../../../src/sink/postgres/postgres-sink.ts';
import type { Ownership } from '../../../src/sink/sink.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { batchOf, type Change, column, control, insert, keyChange, remove, table, update } from '../batches.ts';
import { progressAfter, SIGNAL } from './replica.ts';

const parent = table('parent', ['id int*', 'name text']);
const child = table('child', ['id int*', 'parent int']);
const TABLES =
  'create table parent (id int primary key, name text unique); create table child (id int primary key, parent int references parent';

/** A sink whose role may not switch triggers off, on tables of its own. */
async function restricted(
  tables: string,
): Promise<{ apply(changes: Change[]): Promise<void>; rows(name: string): Promise<string[]> } & AsyncDisposable> {
  const database = await freshDatabase('foreign');
  const role = `role_${database.settings.database}`;
  await database.query(`create role ${role} login password 'x';
    grant create on database ${database.settings.database} to ${role}; grant all on schema public to ${role}`);
  await database.query(`set role ${role}; ${tables}; reset role`);
  const connection = { ...database.settings, user: role, password: 'x' };
  const sink = createPostgresSink({ connection, name: 'copy', prefix: 'shop' });
  let owned: Ownership | undefined;
  return {
    async apply(changes) {
      owned ??= await sink.claim(SIGNAL);
      const progress = progressAfter(owned);
      await sink.commitOne(owned, batchOf(changes), progress, false, SIGNAL);
      owned = { ...owned, progress };
    },
    async rows(name) {
      const rows = await database.query<{ row: string }>(`select t::text as row from ${name} t order by 1`);
      return rows.map(({ row }) => row);
    },
    async [Symbol.asyncDispose]() {
      await sink[Symbol.asyncDispose]();
      await database.query(`drop owned by ${role} cascade`);
      await database.query(`drop role ${role}`);
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('without the right to be a replica', () => {
  test('parents come before children and go after them', async () => {
    await using target = await restricted(`${TABLES})`);
    await target.apply([insert(parent, '1', 'a'), insert(child, '1', '1')]);
    await target.apply([
      update(child, '1', null),
      insert(parent, '2', 'b'),
      insert(child, '2', '2'),
      remove(parent, '1', null),
      update(child, '1', '2'),
    ]);
    expect([await target.rows('parent'), await target.rows('child')]).toEqual([['(2,b)'], ['(1,2)', '(2,2)']]);
    await target.apply([remove(child, '1', null), remove(child, '2', null), remove(parent, '2', null)]);
    expect([await target.rows('parent'), await target.rows('child')]).toEqual([[], []]);
  });

  test('a key change of a parent waits for the exact order of the source', async () => {
    await using target = await restricted(`${TABLES})`);
    await target.apply([insert(parent, '1', 'a'), insert(child, '1', '1')]);
    await target.apply([
      update(child, '1', null),
      keyChange(parent, ['1', null], ['2', 'a']),
      update(child, '1', '2'),
      insert(parent, '1', 'again'),
      insert(child, '2', '1'),
    ]);
    expect([await target.rows('parent'), await target.rows('child')]).toEqual([
      ['(1,again)', '(2,a)'],
      ['(1,2)', '(2,1)'],
    ]);
  });

  test('deferrable keys are checked at commit', async () => {
    await using target = await restricted(`${TABLES} deferrable)`);
    await target.apply([insert(child, '1', '1'), insert(parent, '1', 'a')]);
    await target.apply([keyChange(parent, ['1', null], ['2', 'a']), update(child, '1', '2')]);
    expect([await target.rows('parent'), await target.rows('child')]).toEqual([['(2,a)'], ['(1,2)']]);
    const wider = { ...child, version: 2, columns: [...child.columns, column('more', 'int', 3)] };
    await target.apply([
      insert(child, '2', '2'),
      control({ kind: 'table', table: wider }),
      insert(wider, '3', '2', '7'),
    ]);
    const all = control({ kind: 'truncate', tables: [parent, wider], cascade: false, restartIdentity: false });
    await target.apply([insert(wider, '4', '4', null), insert(parent, '4', 'd'), all, insert(parent, '2', 'a')]);
    await target.apply([insert(wider, '1', '2', null)]);
    await expect(target.apply([insert(wider, '5', '5', null)])).rejects.toThrow(RecordError);
    expect(await target.rows('child')).toEqual(['(1,2,)']);
  });

  test('cascades do on the target what they did on the source', async () => {
    await using target = await restricted(`${TABLES} on delete cascade on update cascade)`);
    await target.apply([insert(parent, '1', 'a'), insert(child, '1', '1'), insert(child, '2', '1')]);
    await target.apply([keyChange(parent, ['1', null], ['3', 'a']), update(child, '1', '3'), update(child, '2', '3')]);
    expect(await target.rows('child')).toEqual(['(1,3)', '(2,3)']);
    await target.apply([remove(parent, '3', null), remove(child, '1', null), remove(child, '2', null)]);
    expect([await target.rows('parent'), await target.rows('child')]).toEqual([[], []]);
  });

  test('a row that left its parent before that was deleted stays', async () => {
    await using target = await restricted(`${TABLES} on delete cascade)`);
    await target.apply([insert(parent, '1', 'a'), insert(parent, '2', 'b'), insert(child, '1', '1')]);
    await target.apply([update(child, '1', '2'), remove(parent, '1', null)]);
    expect([await target.rows('parent'), await target.rows('child')]).toEqual([['(2,b)'], ['(1,2)']]);
  });

  test('a row that left its parent in the same table stays', async () => {
    const node = table('node', ['id int*', 'parent int']);
    await using target = await restricted(
      'create table node (id int primary key, parent int references node on delete cascade)',
    );
    await target.apply([insert(node, '1', null), insert(node, '2', null), insert(node, '3', '1')]);
    await target.apply([update(node, '3', '2'), remove(node, '1', null)]);
    expect(await target.rows('node')).toEqual(['(2,)', '(3,2)']);
  });

  test('tables of one truncate go together', async () => {
    await using target = await restricted(`${TABLES})`);
    await target.apply([insert(parent, '1', 'a'), insert(child, '1', '1')]);
    const all = control({ kind: 'truncate', tables: [parent, child], cascade: false, restartIdentity: false });
    await target.apply([all, insert(parent, '2', 'b')]);
    expect([await target.rows('parent'), await target.rows('child')]).toEqual([['(2,b)'], []]);
  });

  test('tables that others refer to are emptied children first', async () => {
    const tables = `create table a_parent (id int primary key); create table b_child (id int primary key, parent int references a_parent);
      create table c_mine (id int references b_child)`;
    await using target = await restricted(tables);
    const [first, second] = [table('a_parent', ['id int*']), table('b_child', ['id int*', 'parent int'])];
    await target.apply([insert(first, '1'), insert(second, '1', '1')]);
    const all = control({ kind: 'truncate', tables: [first, second], cascade: false, restartIdentity: false });
    await target.apply([all, insert(first, '2')]);
    expect([await target.rows('a_parent'), await target.rows('b_child')]).toEqual([['(2)'], []]);
  });

  test('rows that are referenced do not take the way around a unique constraint', async () => {
    await using target = await restricted(`${TABLES} on delete cascade)`);
    await target.apply([insert(parent, '1', 'a'), insert(parent, '2', 'b'), insert(child, '1', '1')]);
    await expect(target.apply([update(parent, '1', 'b'), update(parent, '2', 'a')])).rejects.toThrow(/Cannot apply/);
    expect(await target.rows('child')).toEqual(['(1,1)']);
  });
});
