import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresServer } from '../../src/servers/postgres-server.ts';
import { readConnector } from '../../src/connector/connector-file.ts';
import { connect } from '../../src/postgres/connect.ts';
import { preflight } from '../../src/worker/preflight.ts';
import { servers } from '../support/postgres.ts';
import { sinkConfig, sourceConfig } from '../cli/workplace.ts';

const signal: AbortSignal = new AbortController().signal;

describe.each(servers)('on $name', (kind) => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await kind.start();
    for (const name of ['from', 'to']) await server.createDatabase(name);
    await run('postgres', `create role plain login password 'plain'`);
    await run(
      'from',
      `create type public.mood as enum ('good'); create type public.pair as (a int, b public.mood);
      create table public.parted (id int, at interval, m public.mood, p public.pair, ms public.mood[], primary key (id)) partition by range (id);
      create table public.parted_1 partition of public.parted for values from (0) to (10);
      create table public.loose (id int generated always as identity, n int generated always as (1) stored)`,
    );
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  async function run(database: string, sql: string): Promise<void> {
    const client = await connect(server.settings(database), 'rowcast test');
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  async function check(user?: string): Promise<readonly string[]> {
    const as = user === undefined ? {} : { user, password: user };
    const files = [
      { name: 'from', config: sourceConfig({ ...server.settings('from'), ...as }, 'p') },
      { name: 'to', config: sinkConfig({ ...server.settings('to'), ...as }, 'p') },
    ].map((each) => readConnector(`${each.name}.json`, JSON.stringify(each), {}));
    const found = await preflight({ config: undefined, files, names: [] }, signal);
    return found
      .filter(({ level }) => level !== 'ok')
      .map(({ connector, level, check: what, object }) => `${connector} ${level}: ${what}, ${object}`);
  }

  test('everything can be looked at by a superuser', async () => {
    expect(await check()).toEqual([
      `from warning: slot size, server 127.0.0.1:${server.port}`,
      'from problem: replica identity, table public.loose',
      'from warning: types, table public.parted',
      'to problem: types, type public.mood',
      'to problem: types, type public.pair',
    ]);
  });

  test('everything can be looked at by a role without any rights', async () => {
    expect(await check('plain')).toEqual([
      'from problem: replication, role plain',
      `from warning: slot size, server 127.0.0.1:${server.port}`,
      'from problem: rights, table public.loose',
      'from problem: rights, table public.parted',
      'from problem: replica identity, table public.loose',
      'from problem: publication, publication p_publication',
      'from warning: types, table public.parted',
      'to problem: progress, schema rowcast',
      'to warning: session_replication_role, role plain',
      'to problem: types, type public.mood',
      'to problem: types, type public.pair',
      'to problem: rights, schema public',
    ]);
  });
});
