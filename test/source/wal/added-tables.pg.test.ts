import type pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import { AddedTables } from '../../../src/source/wal/added-tables.ts';
import { installDdl, publishDdl } from '../../../src/source/wal/ddl/ddl-log.ts';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { settings } from './wal-fixture.ts';

test('a table that is created between any two questions of a look is not copied: all its rows are in the stream', async () => {
  await using db = await freshDatabase('added');
  const other = await connect(db.settings, 'rowcast test');
  onTestFinished(() => other.end());
  await db.query('create publication pub');
  await installDdl(db.client, ['postgres']);
  const connector = settings(db.settings);
  await publishDdl(db.client, 'pub', connector);
  const needed: string[] = [];
  let asked = 0;
  const look = async (createAt: number): Promise<void> => {
    asked = 0;
    const query = async (sql: string, parameters?: unknown[]): Promise<unknown> => {
      if (asked++ === createAt) await other.query(`create table public.t${createAt} (id int primary key)`);
      return await db.client.query(sql, parameters);
    };
    const client = { query } as unknown as pg.ClientBase;
    const need = ({ name }: { name: string }): void => void needed.push(name);
    const parts = {
      client,
      settings: connector,
      filter: compileFilter(connector),
      warn: () => {},
      told: new Set<number>(),
      need,
    };
    const added = new AddedTables(parts, []);
    await added.look();
    await added.look();
  };
  await look(-1);
  for (let at = 0, questions = asked; at < questions; at++) await look(at);
  expect(asked).toBeGreaterThan(2);
  expect(needed).toEqual([]);
});
