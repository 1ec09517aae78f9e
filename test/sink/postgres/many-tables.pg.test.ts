import { expect, test } from 'vitest';
import { OperatorError, RecordError } from '../../../src/errors.ts';
import { announce, type Change, insert, table, update } from '../batches.ts';
import { replica } from './replica.ts';

const tables = Array.from({ length: 12 }, (_, i) => table(`t${i}`, ['id int*', 'name text']));
const again = tables.map((each) => ({ ...each, version: each.version + 100 }));
const rowsOf = (of: readonly (typeof tables)[number][], from: number, count: number): Change[] =>
  of.flatMap((each) => Array.from({ length: count }, (_, i) => insert(each, `${from + i}`, `n\t${from + i}'`)));

/** A target that is at the tables' versions, with a row in each; the sink's connection, which knows them, is new. */
async function target() {
  const made = await replica();
  await made.apply([...tables.map(announce), ...rowsOf(tables, 0, 1)]);
  await made.database.client.query(/* sql */ `select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like 'rowcast sink%' and datname = current_database()`);
  await expect
    .poll(() =>
      made.apply([]).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  return made;
}

test('rows of many tables that are announced again between them arrive', async () => {
  await using made = await target();
  await made.apply(again.flatMap((each, i) => [announce(each), ...rowsOf([each], 1, i)]));
  for (const [i] of again.entries()) expect(await made.rows(`t${i}`)).toHaveLength(1 + i);
  expect(await made.rows('t3')).toEqual([0, 1, 2, 3].map((n) => [`${n}`, `n\t${n}'`]));
});

test('sets of all sizes share a message, in their order', async () => {
  await using made = await target();
  const changes = again.flatMap((each, i) => [
    ...rowsOf([each], 1, i * 20),
    ...(i % 2 === 0 ? [update(each, '0', 'other')] : []),
  ]);
  await made.apply([...again.map(announce), ...changes]);
  for (const [i] of again.entries()) {
    const rows = await made.rows(`t${i}`);
    expect(rows).toHaveLength(1 + i * 20);
    expect(rows.find(([id]) => id === '0')?.[1]).toBe(i % 2 === 0 ? 'other' : "n\t0'");
  }
});

test('a row that is there already is named when it comes in the middle of such a message, and nothing is applied', async () => {
  await using made = await target();
  await made.database.client.query(/* sql */ `insert into t5 values (7, 'stranger')`);
  const refused = made.apply([...again.map(announce), ...rowsOf(again, 1, 10)]);
  await expect(refused).rejects.toThrow(RecordError);
  await expect(refused).rejects.toThrow(/"t5"/);
  expect(await made.rows('t0')).toHaveLength(1);
  await made.database.client.query(/* sql */ `delete from t5 where id = 7`);
  await made.apply([...again.map(announce), ...rowsOf(again, 1, 10)]);
  for (const [i] of again.entries()) expect(await made.rows(`t${i}`)).toHaveLength(11);
});

test('a target that was changed by hand is named, though its neighbours are looked up with it', async () => {
  await using made = await target();
  await made.database.client.query(/* sql */ `alter table t2 drop column name`);
  const refused = made.apply([...again.map(announce), ...rowsOf(again, 1, 2)]);
  await expect(refused).rejects.toThrow(OperatorError);
  await expect(refused).rejects.toThrow(/"t2" on the target lacks columns: name/);
});
