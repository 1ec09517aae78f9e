import { expect, test } from 'vitest';
import { RecordError } from '../../../src/errors.ts';
import { ChangeRefused } from '../../../src/sink/sink.ts';
import { type Change, insert, keyChange, remove, table, update } from '../batches.ts';
import { type Replica, replica } from './replica.ts';

const items = table('items', ['id int*', 'name text', 'size int']);
const lines = table('lines', ['id int*', 'name text']);
const CREATE = `create table items (id int primary key, name text, size int check (size < 1000));
  create table lines (id int primary key, name text not null)`;

/** So many good rows, of both tables in turn, from this id on. */
function good(count: number, from: number = 0): Change[] {
  return Array.from({ length: count }, (_, i) => {
    const id = String(from + i);
    return i % 2 === 0 ? insert(items, id, 'good', '1') : insert(lines, id, 'good');
  });
}

async function refusal(target: Replica, changes: readonly Change[]): Promise<unknown> {
  const failed = await target.apply(changes).catch((error: unknown) => error);
  expect(await target.rows('items')).toEqual([]); // nothing of it is there
  return failed;
}

test.each([
  ['that is no number', insert(items, '7000', 'x', 'many'), /^Cannot (apply changes|copy rows) to "public"\."items"/],
  ['that a check refuses', insert(items, '7000', 'x', '5000'), /a check constraint refuses them$/],
  ['with a zero byte', insert(items, '7000', 'a\0b', '1'), /: column "name" has a zero byte, which no text has$/],
  ['that is too large for its type', update(items, '0', 'x', '99999999999'), /"public"\."items"/],
] as const)('of many rows, the one %s is named by its number', async (_, bad, message) => {
  for (const [before, behind] of [
    [2, 0],
    [600, 900],
  ] as const) {
    await using target = await replica({}, CREATE);
    const failed = await refusal(target, [...good(before), bad, ...good(behind, 10_000)]);
    expect(failed).toBeInstanceOf(ChangeRefused);
    expect(failed).toMatchObject({ change: before, message: expect.stringMatching(message) as string });
    expect(JSON.stringify((failed as Error).message)).not.toMatch(/many|5000|99999999999/); // no values
  }
});

test('what only some rows together are refused for names no record', async () => {
  await using target = await replica(
    {},
    'create table items (id int primary key, name text unique, size int); create table lines (id int, name text)',
  );
  const failed = await refusal(target, [insert(items, '1', 'same', '1'), insert(items, '2', 'same', '2')]);
  expect(failed).toBeInstanceOf(RecordError);
  expect(failed).not.toBeInstanceOf(ChangeRefused);
});

test('the sink goes on with good rows behind it, key changes and deletes included', async () => {
  await using target = await replica({}, CREATE);
  await refusal(target, [...good(40), insert(items, '7000', 'x', 'many')]);
  await target.apply([
    ...good(4),
    keyChange(items, ['0', null, null], ['9', 'moved', '2']),
    remove(items, '2', null, null),
  ]);
  expect(await target.rows('items')).toEqual([['9', 'moved', '2']]);
});
