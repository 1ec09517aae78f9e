import { describe, expect, test } from 'vitest';
import { describeError, OperatorError, RecordError } from '../../../src/errors.ts';
import {
  batchOf,
  type Change,
  insert,
  keyChange,
  read,
  remove,
  table,
  unchanged,
  update,
  updateFrom,
} from '../batches.ts';
import { replica } from './replica.ts';

const items = table('items', ['id int*', 'name text', 'note varchar(10)']);
const CREATE = 'create table items (id int primary key, name text unique, note varchar(10))';

const many = (from: number, to: number, make: (n: number) => Change): Change[] =>
  Array.from({ length: to - from }, (_, i) => make(from + i));

const byFirst = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);

describe('rows with a key', () => {
  test('small sets and large sets give the same table', async () => {
    for (const size of [5, 700]) {
      await using target = await replica({}, CREATE);
      await target.apply(many(0, size, (n) => insert(items, `${n}`, `name '${n}'\\\t\n\r`, n % 3 ? 'x' : null)));
      await target.apply([
        ...many(0, size - 2, (n) => update(items, `${n}`, unchanged, `u${n}`)),
        ...many(0, size - 3, (n) => remove(items, `${n}`, null, null)),
        insert(items, '9999', 'last', null),
      ]);
      const left = [1, 2, 3].map((n) => size - n);
      const expected = left.map((n, at) => [`${n}`, `name '${n}'\\\t\n\r`, at === 2 ? `u${n}` : n % 3 ? 'x' : null]);
      expect(await target.rows('items')).toEqual([['9999', 'last', null], ...expected].sort(byFirst));
    }
  });

  test('a key that changes its text only keeps its row while copying', async () => {
    const prices = table('prices', ['id numeric*', 'name text', 'note text']);
    for (const create of ['id numeric primary key', 'id numeric']) {
      await using target = await replica({}, `create table prices (${create}, name text, note text)`);
      await target.apply(batchOf([read(prices, '1.0', 'kept', 'x'), read(prices, '2', 'other', 'x')], false));
      await target.apply(
        batchOf([keyChange(prices, ['1.0', null, null], ['1.00', unchanged, 'y'])], false),
        batchOf([keyChange(prices, ['2', null, null], ['3', unchanged, 'z'])], false),
      );
      expect(await target.rows('prices')).toEqual([
        ['1.00', 'kept', 'y'],
        ['3', 'other', 'z'],
      ]);
    }
  });

  test('a refusal names the table, the constraint and what to do, and applies nothing', async () => {
    const prepare = 'create table items (id int primary key, name text check (name <> $$no$$), note varchar(10))';
    await using target = await replica({}, prepare);
    const tables = ['a', 'b', 'c'].map((name) => table(name, ['id int*']));
    const others = tables.map((other) => insert(other, '1'));
    const refused = target.apply([...others, insert(items, '1', 'no', null)]);
    const error = await refused.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RecordError);
    expect(describeError(error)).toMatch(
      /^Cannot apply changes to "public"\."items" on the target: a check constraint/,
    );
    expect(describeError(error)).toContain('items_name_check');
    expect((error as RecordError).advice).toMatch(/start the connector again/);
    await target.apply([...others, insert(items, '1', 'yes', null)]);
    expect(await target.rows('items')).toHaveLength(1);
  });

  test('a value longer than its column is refused, never cut', async () => {
    await using target = await replica({}, CREATE);
    await expect(target.apply([insert(items, '1', 'a', '12345678901')])).rejects.toThrow(/Cannot apply/);
    await using staged = await replica({}, CREATE);
    await staged.apply(many(0, 300, (n) => insert(items, `${n}`, `${n}`, 'x')));
    const long = many(0, 300, (n) => update(items, `${n}`, unchanged, '12345678901'));
    await expect(staged.apply(long)).rejects.toThrow(/Cannot apply/);
  });

  test('rows that are already there while copying are overwritten, small and large sets', async () => {
    for (const size of [3, 500]) {
      await using target = await replica({}, `${CREATE}; insert into items values (1, 'old', 'old')`);
      await target.apply(
        batchOf(
          many(0, size, (n) => read(items, `${n}`, `n${n}`, null)),
          false,
        ),
      );
      await target.apply(batchOf([remove(items, '77777', null, null), update(items, '88888', unchanged, 'x')], false));
      expect((await target.rows('items')).filter(([id]) => id === '1')).toEqual([['1', 'n1', null]]);
      expect(await target.rows('items')).toHaveLength(size);
    }
  });

  test('a key change while copying finds the row under its old key, its new one, both or none', async () => {
    for (const present of [['1'], ['2'], ['1', '2'], []]) {
      for (const name of [unchanged, 'new'] as const) {
        await using target = await replica({}, 'create table items (id int primary key, name text, note varchar(10))');
        await target.apply(present.map((id) => insert(items, id, 'old', null)));
        await target.apply(batchOf([keyChange(items, ['1', null, null], ['2', name, 'x'])], false));
        const isLost = present.length === 0 && name === unchanged; // the source reads it again
        expect(await target.rows('items')).toEqual(isLost ? [] : [['2', name === unchanged ? 'old' : 'new', 'x']]);
      }
    }
  });

  test('a copy that a unique constraint cannot take says what to do', async () => {
    await using target = await replica({}, CREATE);
    await target.apply(batchOf([read(items, '1', 'a', null)], false));
    const failure = await target.apply(batchOf([read(items, '2', 'a', null)], false)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OperatorError);
    expect((failure as OperatorError).advice).toContain('when the copy has finished');
  });

  test('copies over rows in a table whose key has no unique index', async () => {
    await using target = await replica(
      {},
      `create table items (id int, name text, note text); insert into items values (1, 'old', 'old')`,
    );
    await target.apply(batchOf([read(items, '1', 'new', null), read(items, '2', 'b', null)], false));
    expect(await target.rows('items')).toEqual([
      ['1', 'new', null],
      ['2', 'b', null],
    ]);
  });

  test('a unique value that moves from one row to another within a chunk takes the exact order', async () => {
    await using target = await replica({}, CREATE);
    await target.apply([insert(items, '1', 'a', null), insert(items, '2', 'b', null)]);
    await target.apply([
      update(items, '2', 'c', null),
      update(items, '1', 'b', null),
      remove(items, '2', null, null),
      insert(items, '3', 'a', null),
      update(items, '3', 'z', null),
      insert(items, '4', 'a', null),
    ]);
    expect(await target.rows('items')).toEqual([
      ['1', 'b', null],
      ['3', 'z', null],
      ['4', 'a', null],
    ]);
  });

  test('two rows that swap a unique value arrive though the target checks row by row', async () => {
    await using target = await replica({}, CREATE);
    await target.apply([insert(items, '1', 'a', 'keep'), insert(items, '2', 'b', 'keep')]);
    await target.apply([update(items, '1', 'b', unchanged), update(items, '2', 'a', unchanged)]);
    expect(await target.rows('items')).toEqual([
      ['1', 'b', 'keep'],
      ['2', 'a', 'keep'],
    ]);
  });

  test('large sets, one of which is refused, share a transaction', async () => {
    await using target = await replica({}, CREATE);
    const swapped = (n: number): number => (n % 2 === 0 ? n + 1 : n - 1);
    for (const round of ['a', 'b']) {
      await target.apply(
        many(0, 300, (n) => insert(items, `${n}`, `${n}`, round)),
        many(0, 300, (n) => update(items, `${n}`, `${swapped(n)}`, unchanged)), // staged, refused, set aside
        many(0, 300, (n) => update(items, `${n}`, `${n}`, unchanged)),
        many(0, 300, (n) => update(items, `${n}`, `${swapped(n)}`, unchanged)),
        many(0, 299, (n) => update(items, `${n}`, `x${n}`, unchanged)),
        many(0, 299, (n) => remove(items, `${n}`, null, null)),
      );
      expect(await target.rows('items')).toEqual([['299', '298', round]]);
      await target.apply([remove(items, '299', null, null)]);
    }
  });

  test('all keys move by one, in an order in which no two are equal', async () => {
    for (const size of [4, 400]) {
      await using target = await replica({}, CREATE);
      await target.apply(many(0, size, (n) => insert(items, `${n}`, `n${n}`, null)));
      await target.apply(
        many(1, size + 1, (n) => keyChange(items, [`${size - n}`, null, null], [`${size - n + 1}`, unchanged, null])),
      );
      const rows = await target.rows('items');
      expect(rows).toHaveLength(size);
      expect(rows.every(([id, name]) => name === `n${Number(id) - 1}`)).toBe(true);
    }
  });

  test('all keys move by one, each onto the next one (a deferrable key)', async () => {
    const full = table('items', ['id int*', 'name text', 'note varchar(10)'], { identity: 'full' });
    for (const size of [4, 400]) {
      await using target = await replica({}, CREATE);
      await target.apply(many(0, size, (n) => insert(full, `${n}`, `n${n}`, null)));
      await target.apply(many(0, size, (n) => keyChange(full, [`${n}`, `n${n}`, null], [`${n + 1}`, unchanged, null])));
      const rows = await target.rows('items');
      expect(rows).toHaveLength(size);
      expect(rows.every(([id, name]) => name === `n${Number(id) - 1}`)).toBe(true);
    }
  });

  test('a key change keeps values that were not sent', async () => {
    await using target = await replica({}, CREATE);
    await target.apply([insert(items, '1', 'big', 'n')]);
    await target.apply([
      keyChange(items, ['1', null, null], ['2', unchanged, 'm']),
      update(items, '2', unchanged, 'k'),
    ]);
    expect(await target.rows('items')).toEqual([['2', 'big', 'k']]);
  });

  test('a missing row is an error that names the table and no value', async () => {
    await using target = await replica({}, CREATE);
    const failure = await target.apply([update(items, '4711', 'secret', null)]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OperatorError);
    expect(String(failure)).toContain('"public"."items"');
    expect(String(failure)).not.toMatch(/4711|secret/);
    await expect(target.apply([remove(items, '4711', null, null)])).rejects.toThrow(OperatorError);
    await expect(target.apply(many(0, 300, (n) => remove(items, `${n}`, null, null)))).rejects.toThrow(OperatorError);
  });

  test('a row that somebody else put there is an error', async () => {
    await using target = await replica({}, `${CREATE}; insert into items values (1, 'other', null)`);
    await expect(target.apply([insert(items, '1', 'a', null)])).rejects.toThrow(/items/);
    expect(await target.rows('items')).toEqual([['1', 'other', null]]);
    await expect(target.apply(many(0, 300, (n) => insert(items, `${n}`, `${n}`, null)))).rejects.toThrow(/items/);
  });

  test('generated and identity columns', async () => {
    const wide = table('wide', ['id int*', 'a int', 'twice int']);
    await using target = await replica(
      {},
      'create table wide (id int primary key generated always as identity, a int, twice int generated always as (a * 2) stored)',
    );
    for (const [from, size] of [
      [0, 2],
      [1000, 300],
    ] as const) {
      await target.apply(many(from, from + size, (n) => insert(wide, `${n}`, `${n}`, null)));
      await target.apply(many(from, from + size, (n) => update(wide, `${n}`, `${n + 1}`, null)));
    }
    const rows = await target.rows('wide');
    expect(rows).toHaveLength(302);
    expect(rows.every(([id, a, twice]) => Number(a) === Number(id) + 1 && Number(twice) === 2 * Number(a))).toBe(true);
  });
});

describe('rows without a key', () => {
  const log = table('log', ['a int', 'b bool', 'c char(5)', 'd inet', 'e json', 'f xml', 'g point'], {
    identity: 'full',
  });
  const row = ['1', 't', 'ab   ', '10.0.0.1', '{"a": 1}', '<x/>', '(1,2)'];
  const nulls = ['2', null, null, null, null, null, null];

  test('one of several equal rows is changed, whatever their types', async () => {
    await using target = await replica();
    await target.apply([insert(log, ...row), insert(log, ...row), insert(log, ...row), insert(log, ...nulls)]);
    await target.apply([
      remove(log, ...row),
      updateFrom(log, row, ['9', unchanged, ...row.slice(2)]),
      remove(log, ...nulls),
    ]);
    expect(await target.rows('log')).toEqual([row, ['9', ...row.slice(1)]]);
    await expect(target.apply([remove(log, ...nulls)])).rejects.toThrow(OperatorError);
  });

  test('many rows are copied', async () => {
    await using target = await replica();
    await target.apply(many(0, 1000, (n) => insert(log, `${n}`, ...row.slice(1))));
    expect(await target.rows('log')).toHaveLength(1000);
  });
});
