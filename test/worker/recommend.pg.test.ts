import { describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/servers/postgres-server.ts';
import { connect } from '../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { everythingIn, recommend } from '../../src/worker/preflight/recommend.ts';
import { readConnector } from '../../src/connector/connector-file.ts';
import { preflight } from '../../src/worker/preflight.ts';
import { sourceConfig } from '../cli/workplace.ts';
import { eventually } from '../pipeline/replication.ts';
import { freshDatabase, uniqueName } from '../support/postgres.ts';
import { startStandby } from '../support/standby.ts';

const signal: AbortSignal = AbortSignal.timeout(300_000);

/** The way that is recommended, and by class what is in the way of the others. */
async function recommended(connection: ConnectionSettings): Promise<Record<string, unknown>> {
  const { mode, verdicts } = await recommend(everythingIn(connection), signal);
  const obstacles = verdicts.map((each) => [each.mode, each.obstacles.map(({ check }) => check)]);
  return { mode, ...Object.fromEntries(obstacles) };
}

async function run(connection: ConnectionSettings, sql: string): Promise<void> {
  const client = await connect(connection, 'rowcast test');
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

const ORDERS = /* sql */ `create table public.orders (id int primary key); create table public.bag (n int)`;

describe('by what a role may do', () => {
  test('a superuser captures from the WAL, an owner by triggers, who may only select by polls, and nobody without rights', async () => {
    await using source = await freshDatabase('choice');
    const [owner, reader] = [uniqueName('owner'), uniqueName('reader')];
    const as = (user: string): ConnectionSettings => ({ ...source.settings, user, password: 'secret' });
    await source.query(/* sql */ `${ORDERS};
      create role ${owner} login password 'secret'; create role ${reader} login password 'secret';
      grant create on database ${source.settings.database} to ${owner};
      alter table orders owner to ${owner}; alter table bag owner to ${owner}`);
    try {
      expect(await recommended(source.settings)).toEqual({
        mode: 'PostgresWalSource',
        PostgresWalSource: [],
        PostgresTriggerSource: [],
        PostgresQuerySource: [],
      });
      expect(await recommended(as(owner))).toMatchObject({
        mode: 'PostgresTriggerSource',
        PostgresWalSource: ['replication'],
        PostgresTriggerSource: [],
      });
      expect(await recommended(as(reader))).toMatchObject({
        mode: undefined,
        PostgresQuerySource: ['rights', 'rights'],
      });
      await source.query(`grant select on orders, bag to ${reader}`);
      expect(await recommended(as(reader))).toEqual({
        mode: 'PostgresQuerySource',
        PostgresWalSource: ['replication', 'publication'],
        PostgresTriggerSource: ['trigger set-up', 'triggers', 'triggers'],
        PostgresQuerySource: [],
      });
      const file = { name: 'from', config: sourceConfig(as(reader), 'choice') };
      const files = [readConnector('from.json', JSON.stringify(file), {})];
      const told = async (): Promise<unknown[]> =>
        (await preflight({ config: undefined, files, names: [] }, signal)).filter(({ check }) => check === 'capture');
      expect(await told()).toMatchObject([
        { level: 'warning', fix: expect.stringContaining('"connector.class": "PostgresQuerySource"') as unknown },
      ]);
      await source.query(`alter role ${reader} superuser`);
      expect(await told()).toEqual([]);
      await source.query(`alter role ${reader} nosuperuser`);
    } finally {
      await source.query(`drop owned by ${owner}, ${reader}; drop role ${owner}; drop role ${reader}`);
    }
  });

  test('views alone are polled, whole', async () => {
    await using source = await freshDatabase('choice');
    await source.query(`create view "odd.name" as select 1 as id`);
    expect(await recommended(source.settings)).toMatchObject({
      mode: 'PostgresQuerySource',
      PostgresWalSource: ['tables'],
      PostgresTriggerSource: ['tables'],
      PostgresQuerySource: [],
    });
  });
});

describe('by the server', () => {
  test('triggers capture where wal_level is replica, or no slot is free', async () => {
    const start = (settings: Record<string, string>): Promise<PostgresServer> => startPostgres({ settings });
    for (const [settings, check] of [
      [{ wal_level: 'replica' }, 'wal_level'],
      [{ max_replication_slots: '1' }, 'replication slots'],
    ] as const) {
      const server = await start(settings);
      try {
        const source = await server.createDatabase('choice');
        await run(source, `${ORDERS}; select pg_create_physical_replication_slot('taken', true)`);
        expect(await recommended(source)).toMatchObject({
          mode: 'PostgresTriggerSource',
          PostgresWalSource: [check],
          PostgresTriggerSource: [],
        });
      } finally {
        await server[Symbol.asyncDispose]();
      }
    }
  });

  test('a standby is polled', async () => {
    await using servers = await startStandby();
    const source = await servers.primary.createDatabase('choice');
    await run(source, ORDERS);
    const standby = servers.standby.settings('choice');
    const isThere = (): Promise<boolean> =>
      run(standby, 'select from public.bag').then(
        () => true,
        () => false,
      );
    await eventually(isThere, 'the standby to have the tables');
    const found = await recommended(standby);
    expect(found).toMatchObject({ mode: 'PostgresQuerySource', PostgresQuerySource: [] });
    expect(found['PostgresWalSource']).toContain('standby');
    expect(found['PostgresTriggerSource']).toContain('primary');
  });
});
