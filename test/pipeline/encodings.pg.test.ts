import { expect, inject, test } from 'vitest';
import { describeError, RecordError } from '../../src/errors.ts';
import { freshDatabase } from '../support/postgres.ts';
import { Replication } from './replication.ts';

/** Every character that LATIN1 has beyond ASCII, in values of all kinds and in names. */
const TABLES = /* sql */ `
  create type "größe" as enum ('klein', 'übergroß');
  create table "Müller" (id int primary key, "Straße" text, code char(4), note varchar(200), form "größe", tags text[], info json);
  insert into "Müller" select i, chr(i), chr(i) || 'ß', repeat(chr(i), 200), 'übergroß', array['é', chr(i)], json_build_object('ä', chr(i))
    from generate_series(128, 255) i;
  create table words (word text primary key, n int);
  insert into words select chr(i) || 'ÿ', i from generate_series(128, 255) i;
  create table loose (v text); alter table loose replica identity full;
  insert into loose values ('façade'), ('façade'), ('naïve')`;
const CHANGES = /* sql */ `
  update "Müller" set "Straße" = "Straße" || '½', form = 'klein' where id % 2 = 0;
  insert into "Müller" select i + 1000, chr(i), chr(i), 'Ñandú', 'übergroß', '{}', '{"ï": "î"}' from generate_series(128, 255) i;
  update words set word = 'Ø' || word where n > 200; delete from words where word = 'Øéÿ';
  alter table words add column "hübsch" text default 'ü';
  insert into words values ('Ærø', 1, 'å');
  update loose set v = 'déjà' where v = 'naïve'; delete from loose where ctid = (select min(ctid) from loose)`;

test('texts of a server that keeps them as LATIN1 arrive, copied and streamed', async () => {
  await using source = await freshDatabase('latin', inject('postgres'), `encoding 'LATIN1' template template0`);
  await using target = await freshDatabase('unicode');
  await source.query(TABLES);
  await using replication = await Replication.open({ source: source.settings, target: target.settings });
  replication.startSource();
  replication.startSink();
  await replication.settled();
  expect(await replication.expectEqual('Müller', 'words', 'loose')).toBe(128 + 128 + 3);
  await source.query(CHANGES);
  await replication.settled();
  expect(await replication.expectEqual('Müller', 'words', 'loose')).toBe(256 + 128 + 2);
  // The replica has the characters, not only what comes out as the same bytes.
  expect(await target.query(`select word, length(word) as letters from words where n in (1, 200)`)).toEqual([
    { word: 'Èÿ', letters: 2 },
    { word: 'Ærø', letters: 3 },
  ]);
});

test('a text that is not UTF-8 is told, with nothing behind it taken, and a new copy goes on once it is corrected', async () => {
  await using source = await freshDatabase('bytes', inject('postgres'), `encoding 'SQL_ASCII' template template0`);
  await using target = await freshDatabase('unicode');
  await source.query(/* sql */ `create table t (id int primary key, v text); insert into t values (1, 'é')`);
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    // snapshot.mode = when_needed
    loop: { recopy: 'when lost' },
    wal: { outlivesLoss: true },
  });
  const stopped = replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(`insert into t values (2, 'è')`);
  await replication.settled();
  await source.query(`insert into t values (3, convert_from('\\xe9', 'SQL_ASCII'))`);
  await source.query(`insert into t values (4, 'ê')`);
  await stopped.ended;
  expect(stopped.failure).toBeInstanceOf(RecordError);
  expect(describeError(stopped.failure)).toContain('SQLSTATE 22021');
  expect((stopped.failure as RecordError).advice).toContain('not valid in the encoding');
  expect(await target.query('select v from t order by id')).toEqual([{ v: 'é' }, { v: 'è' }]);

  replication.resume(stopped);
  await source.query(
    `update t set v = 'é' where id = 3; select pg_drop_replication_slot('slot_' || current_database())`,
  );
  replication.startSource();
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(4);
});
