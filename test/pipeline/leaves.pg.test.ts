import { expect, test } from 'vitest';
import { freshDatabase } from '../support/postgres.ts';
import { Replication } from './replication.ts';

const PARTED = /* sql */ `create table part (id int primary key, old_name text, gone int) partition by range (id);
  create table part_low partition of part for values from (0) to (100);
  create table part_high partition of part for values from (100) to (200)`;

test('partitions that are published one by one are altered on the target through the table they are parts of', async () => {
  await using source = await freshDatabase('leaves_source');
  await using target = await freshDatabase('leaves_target');
  await source.query(PARTED);
  await target.query(PARTED);
  await source.query(`create publication pub_${source.settings.database} for table part`);
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    wal: { publicationAutocreateMode: 'disabled' },
  });
  replication.startSource();
  const applying = replication.startSink();
  await replication.settled();
  await source.query(`insert into part select g, 'v' || g, g from generate_series(1, 199) g`);
  for (const statement of [
    'rename column old_name to new_name',
    `add column added int default 7`,
    'alter column added type bigint',
    'drop column gone',
  ]) {
    await source.query(`alter table part ${statement}`);
    await source.query(`update part set id = id where id in (5, 6)`);
    await source.query(`update part set id = id where id in (105, 6)`);
    await replication.settled();
  }
  expect(applying.failure).toBeUndefined();
  expect(await replication.expectEqual('part', 'part_low', 'part_high')).toBe(398);
});
