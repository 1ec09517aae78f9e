import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresServer } from '../../../src/cli/demo/postgres-server.ts';
import { type Database, freshDatabase, servers } from '../../support/postgres.ts';
import { createAndCopy, open, Reading } from './wal-fixture.ts';

describe.each(servers)('on $name', ({ start }) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  const database = async (name: string, sql: string): Promise<Database> => {
    const fresh = await freshDatabase(name, server.settings());
    await fresh.query(sql);
    return fresh;
  };

  test('copies what was there, then streams what comes, each once', async () => {
    await using db = await database(
      'hand_over',
      `create table t (id int primary key, v text); insert into t values (1, E'a\\tb\\\\\\n'), (2, null)`,
    );
    await using held = await open(db.settings);
    expect(held.confirmed).toBeUndefined();
    const { position, changes } = await createAndCopy(held);
    expect(changes.map(({ op, control, after }) => control?.kind ?? [op, after])).toEqual([
      'table',
      'snapshot-begin',
      ['read', { id: '1', v: 'a\tb\\\n' }],
      ['read', { id: '2', v: null }],
      'snapshot-end',
    ]);
    await using reading = new Reading(held, position);
    await db.query(
      `insert into t values (3, 'x'); update t set v = 'y' where id = 1; delete from t where id = 2; update t set id = 4 where id = 3`,
    );
    await reading.until(({ rows }) => rows.length === 4);
    expect(reading.rows).toEqual([
      { op: 'insert', table: 't', after: { id: '3', v: 'x' } },
      { op: 'update', table: 't', after: { id: '1', v: 'y' } },
      { op: 'delete', table: 't', before: { id: '2', v: null } },
      { op: 'keyChange', table: 't', before: { id: '3', v: null }, after: { id: '4', v: 'x' } },
    ]);
  });
});
