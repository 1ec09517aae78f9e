import { expect, test } from 'vitest';
import { freshDatabase } from '../support/postgres.ts';
import { SecondSlot } from '../../src/torture/second-slot.ts';

test("the server's own decoder tells every transaction once, in the order of the commits", async () => {
  await using source = await freshDatabase('second_slot');
  await source.query(
    /* sql */ `create table ledger (txn_no bigint primary key, changes integer not null, rows_added integer not null)`,
  );
  await using slot = new SecondSlot(source.settings);
  await slot.begin();
  for (const number of [1, 2]) await source.query(`insert into ledger values (${number}, ${10 * number}, 0)`);
  await source.query(`begin; insert into ledger values (3, 1, 0); rollback; insert into ledger values (3, 5, 0)`);
  await slot.finish();
  expect(slot.failure).toBeUndefined();
  expect(slot.told).toEqual([
    { ledger: 1, changes: 10 },
    { ledger: 2, changes: 20 },
    { ledger: 3, changes: 5 },
  ]);
  expect(await source.query(`select from pg_replication_slots where slot_name = 'torture_truth'`)).toEqual([]);
});

test('what is rolled back with its savepoints does not crash the server, however large it is', async () => {
  await using source = await freshDatabase('second_slot_aborted');
  await source.query(
    /* sql */ `create table ledger (txn_no bigint primary key, changes integer not null, rows_added integer not null);
      do $$ begin execute format('alter database %I set logical_decoding_work_mem = 64', current_database()); end $$`,
  );
  await using slot = new SecondSlot(source.settings);
  await slot.begin();
  await source.query('begin; savepoint s; insert into ledger values (0, 0, 0); release s');
  await source.query('insert into ledger select n, 1, 0 from generate_series(1, 5000) as n; rollback');
  await source.query('insert into ledger values (1, 5, 0)');
  await slot.finish();
  expect(slot.told).toEqual([{ ledger: 1, changes: 5 }]);
});
