import { expect, test } from 'vitest';
import { operated } from './operated.ts';

const TABLE = /* sql */ `create table t (id int primary key, v text); insert into t values (1, 'copied')`;

async function ran() {
  const world = await operated(TABLE);
  const { replication } = world;
  const tasks = [replication.startSource(), replication.startSink()];
  await replication.settled();
  for (const task of tasks) await task.stop();
  return world;
}

const DROP_ALL = { dropSlot: true, dropPublication: true, dropProgress: true };
const KEEP_ALL = { dropSlot: false, dropPublication: false, dropProgress: false };

test('a delete keeps what it is not asked to drop, and says how it is dropped', async () => {
  await using world = await ran();
  const { source, target, ask, forgotten } = world;
  const { database } = source.settings;
  const first = await ask({ kind: 'delete', connector: 'shop', ...KEEP_ALL });
  expect(first.lines.join('\n')).toContain(`select pg_drop_replication_slot('slot_${database}')`);
  expect(first.lines.join('\n')).toContain(`drop publication "pub_${database}"`);
  expect(forgotten).toEqual([]);
  const second = await ask({ kind: 'delete', connector: 'replica', ...KEEP_ALL });
  expect(second.lines.join('\n')).toContain(`delete from rowcast.progress where connector = 'replica'`);
  expect(forgotten).toEqual(['replica']);
  expect(await source.query('select from pg_replication_slots where database = current_database()')).toHaveLength(1);
  expect(await target.query('select from rowcast.progress')).toHaveLength(1);
});

test('a delete drops slot, publication, progress and the schema that is empty then; a second one finds nothing', async () => {
  await using world = await ran();
  const { source, target, ask } = world;
  for (let i = 0; i < 2; i++) {
    await ask({ kind: 'delete', connector: 'shop', ...DROP_ALL });
    await ask({ kind: 'delete', connector: 'replica', ...DROP_ALL });
    expect(await source.query('select from pg_replication_slots where database = current_database()')).toEqual([]);
    expect(await source.query('select from pg_publication')).toEqual([]);
    expect(await target.query(`select from pg_namespace where nspname = 'rowcast'`)).toEqual([]);
    expect(await target.query('select id from public.t')).toEqual([{ id: 1 }]);
  }
});

test('the progress of another sink stays', async () => {
  await using world = await ran();
  const { target, ask } = world;
  await target.query(/* sql */ `insert into rowcast.progress (connector, prefix, epoch) values ('other', 'shop', 1)`);
  const answer = await ask({ kind: 'delete', connector: 'replica', ...DROP_ALL });
  expect(answer.lines.join('\n')).not.toContain('is dropped');
  expect(await target.query('select connector from rowcast.progress')).toEqual([{ connector: 'other' }]);
});

test('a publication with other tables than those that are captured is not dropped', async () => {
  await using world = await ran();
  const { source, ask } = world;
  await source.query(/* sql */ `alter publication pub_${source.settings.database} drop table t`);
  const answer = await ask({ kind: 'delete', connector: 'shop', ...DROP_ALL });
  expect(answer.lines.join('\n')).toContain('because it has other tables than this connector captures');
  expect(await source.query('select from pg_publication')).toHaveLength(1);
});

test('offsets tell where both sides stand', async () => {
  await using world = await ran();
  const { source, ask } = world;
  const answer = await ask({ kind: 'offsets', connector: undefined });
  const text = answer.lines.join('\n');
  expect(text).toMatch(/shop \(source\)\n {2}log {5}[0-9A-F]+\/[0-9A-F]+ at checkpoint \d+/);
  expect(text).toContain('nobody reads it');
  expect(text).toContain('everything is applied');
  expect(answer.value).toMatchObject({
    shop: { offsets: [{ partition: { server: 'shop' }, offset: { lsn: expect.any(Number) as number } }] },
    replica: { offsets: [{ partition: { kafka_topic: 'shop.checkpoints', kafka_partition: 0 } }] },
  });
  await source.query(/* sql */ `insert into t values (2, 'x')`);
  await source.query(
    /* sql */ `select pg_replication_slot_advance('slot_${source.settings.database}', pg_current_wal_lsn())`,
  );
  const ahead = await ask({ kind: 'offsets', connector: 'shop' });
  expect(ahead.lines.join('\n')).toContain('the slot stands beyond the last checkpoint');
});
