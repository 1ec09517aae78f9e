import { expect, test } from 'vitest';
import { Replication } from '../../pipeline/replication.ts';
import { freshDatabase } from '../../support/postgres.ts';

test('copies once, leaves no slot behind, and ends quietly whenever it is started again', async () => {
  await using source = await freshDatabase('initial_only');
  await using target = await freshDatabase('initial_only_target');
  await source.query(`create table t (id int primary key); insert into t values (1)`);
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    wal: { snapshotMode: 'initial_only' },
  });
  for (let start = 1; start <= 3; start++) {
    const running = replication.startSource();
    await running.ended;
    expect(running.failure).toBeUndefined();
    expect(await source.query(`select 1 from pg_replication_slots where database = current_database()`)).toEqual([]);
    // What comes later is nobody's.
    await source.query(`insert into t values (${start + 1}); drop publication "pub_${source.settings.database}"`);
  }
  replication.startSink();
  const rows = async (): Promise<unknown> => (await target.query(`select to_regclass('t') as t`))[0]?.['t'];
  await expect.poll(rows, { timeout: 20_000 }).toBe('t');
  await expect.poll(() => target.query(`select id from t`), { timeout: 20_000 }).toEqual([{ id: 1 }]);
});
