import { expect, test } from 'vitest';
import { connect } from '../../src/postgres/connect.ts';
import { expectSame, pair } from './ddl-world.ts';
import { eventually } from './replication.ts';

test('a label is renamed behind transactions that have written the old one and commit later', async () => {
  await using world = await pair(/* sql */ `create type mood as enum ('sad', 'happy');
    create table t (id int primary key, m mood); create table u (id int primary key, m mood[])`);
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  const [writer, other] = [await connect(source.settings, 'writer'), await connect(source.settings, 'other')];
  await writer.query(`begin; insert into public.t values (1, 'sad'); insert into public.u values (1, '{sad,happy}')`);
  const renaming = other.query(`alter type public.mood rename value 'sad' to 'blue'`);
  const waits = `select from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'other'`;
  await eventually(async () => (await source.client.query(waits)).rowCount === 1, 'the rename to wait');
  await writer.query('commit');
  await renaming;
  await writer.query(`insert into public.t values (2, 'blue')`);
  await replication.settled();
  await expectSame(source, target);
  expect(await target.query('select m::text from t order by id')).toEqual([{ m: 'blue' }, { m: 'blue' }]);
  await writer.end();
  await other.end();
});
