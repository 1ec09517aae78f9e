import { expect, test } from 'vitest';
import { describeError, OperatorError } from '../../src/errors.ts';
import { installDdl } from '../../src/source/wal/ddl/ddl-log.ts';
import { readDdlSetup } from '../../src/source/wal/ddl/ddl-setup.ts';
import { judgeDdl } from '../../src/source/wal/preflight/judge-ddl.ts';
import { expectSame, pair } from './ddl-world.ts';

test('rows that were written before a table had its key are not matched by it', async () => {
  await using world =
    await pair(/* sql */ `create table t (id int, v text); insert into t values (1, 'a'), (1, 'a'), (2, 'b'), (2, 'c');
    create table u (id int not null primary key, v text); insert into u values (1, 'a'), (2, 'b')`);
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `begin; alter table t replica identity full; update t set v = v || '!';
    delete from t a using t b where a.id = b.id and a.ctid > b.ctid; alter table t add primary key (id); update t set v = v || '?'; commit;
    begin; alter table u replica identity full, drop constraint u_pkey; insert into u values (1, 'c'); update u set v = 'd' where v = 'c';
    delete from u where v = 'a'; alter table u add primary key (id); update u set v = v || '!'; commit`);
  await replication.settled();
  await expectSame(source, target);
});

test('a database that was restored is not followed until what is there is taken down again', async () => {
  await using world = await pair(`create table t (id int primary key); insert into t values (1)`);
  const { source, target, replication } = world;
  const findings = async () => judgeDdl(await readDdlSetup(source.client), 'shop', 'source').map(({ level }) => level);
  expect(await findings()).toEqual(['ok']);
  let reading = replication.startSource();
  replication.startSink();
  await replication.settled();
  await reading.stop();
  // As a dump does it: the same rows and comment in a table with another id.
  const each = (what: string): string =>
    ['ddl', 'ddl_drop', 'ddl_rewrite'].map((name) => `alter event trigger rowcast_${name} ${what};`).join('');
  await source.query(/* sql */ `${each('disable')} alter table rowcast.ddl_state rename to old;
    create table rowcast.ddl_state (like rowcast.old including all); insert into rowcast.ddl_state select * from rowcast.old;
    drop table rowcast.old; ${each('enable always')}`);
  expect(await findings()).toEqual(['problem']);
  reading = replication.startSource();
  await reading.ended;
  expect(reading.failure).toBeInstanceOf(OperatorError);
  expect(String(describeError(reading.failure))).toMatch(/was set up in another database/);
  expect((reading.failure as OperatorError).advice).toContain('rowcast check --install-ddl');
  reading.failure = undefined;
  await installDdl(source.client, [source.settings.user]);
  expect(await findings()).toEqual(['ok']);
  replication.startSource();
  await source.query('alter table t rename to renamed; insert into renamed values (2)');
  await replication.settled();
  await expectSame(source, target);
});

test('a table whose creation was not recorded keeps its rows when it is renamed', async () => {
  await using world = await pair(`create table t (id int primary key); insert into t values (1)`);
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(`delete from rowcast.ddl_state where object_id = 't'::regclass`);
  await source.query('alter table t rename to renamed');
  await replication.settled();
  expect(await target.query(`select to_regclass('public.renamed') as renamed`)).toEqual([{ renamed: null }]);
  expect(replication.warnings).toEqual([expect.stringContaining('ALTER TABLE of public.renamed is not replayed')]);
  await source.query(
    'insert into renamed values (2); alter table renamed add column v int default 3; insert into renamed values (4)',
  );
  await replication.settled();
  await expectSame(source, target);
});

test('event triggers that do not fire are told of', async () => {
  await using world = await pair('create table t (id int primary key)');
  const { source, replication } = world;
  await source.query('alter event trigger rowcast_ddl disable; alter event trigger rowcast_ddl_drop enable');
  replication.startSource();
  replication.startSink();
  await replication.settled();
  // Told of when streaming begins: a copy can be in the replica before that, a row that comes by the stream cannot.
  await source.query('insert into t values (1)');
  await replication.settled();
  const message = 'DDL is not recorded: event triggers rowcast_ddl, rowcast_ddl_drop are disabled';
  expect([...new Set(replication.warnings)]).toEqual([expect.stringContaining(message)]);
  expect(judgeDdl(await readDdlSetup(source.client), 'shop', 'source')).toEqual([
    {
      level: 'warning',
      check: 'ddl',
      object: 'database source',
      message: `${message}.`,
      fix: 'rowcast check --install-ddl shop',
    },
  ]);
});

test('an index whose name another one has on the target is told of', async () => {
  await using world = await pair(
    'create table t (id int primary key, v int); create table u (id int primary key, v int)',
  );
  const { source, target, replication } = world;
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await target.query('create index same on t (v); create index other on t (v); create index elsewhere on u (v)');
  await source.query(
    'create index same on t (v); create index other on t (v desc); create index elsewhere on t (v); create index fine on t (v)',
  );
  await replication.settled();
  expect(replication.warnings).toEqual([
    expect.stringMatching(
      /^Index other of table "public"."t" is not created.*taken there by another index of table "public"."t"/,
    ),
    expect.stringMatching(
      /^Index elsewhere of table "public"."t" is not created.*taken there by another index of table "public"."u"/,
    ),
  ]);
  expect(await target.query(`select to_regclass('public.fine') is not null as is_there`)).toEqual([{ is_there: true }]);
});
