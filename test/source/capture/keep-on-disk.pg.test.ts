import { expect, test } from 'vitest';
import { startPostgres } from '../../../src/servers/postgres-server.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { connect } from '../../../src/postgres/connect.ts';
import type { Source } from '../../../src/source/source.ts';
import { createTriggerSource } from '../../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { eventually, Replication } from '../../pipeline/replication.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { querySource } from '../query/polling.ts';
import { triggerSettings } from '../trigger/trigger-fixture.ts';

/** Commits are on disk ten seconds later, unless somebody has them written. */
const LAZY = { synchronous_commit: 'off', wal_writer_delay: '10s', autovacuum: 'off' };

const CAPTURES: readonly (readonly [
  string,
  (connection: ConnectionSettings, warn: (message: string) => void) => Source,
])[] = [
  ['polls', (connection, warn) => querySource(connection, { deletes: 'keys' }, warn)],
  ['triggers', (connection, warn) => createTriggerSource(triggerSettings(connection), systemClock, warn)],
];

test.each(CAPTURES)('%s: a crash of the source takes back nothing of what a replica shows', async (_, capture) => {
  await using server = await startPostgres({ settings: LAZY });
  const source = await server.createDatabase('shop');
  await using target = await freshDatabase('replica');
  const onSource = async (sql: string): Promise<unknown[]> => {
    const client = await connect(source, 'rowcast test');
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const shown = async (sql: string, what: string): Promise<void> =>
    await eventually(
      async () => (await target.query(sql)).length > 0,
      () => what,
    );
  await onSource(
    /* sql */ `create table public.t (id int primary key, v text); insert into public.t values (1, 'first')`,
  );
  await using replication = await Replication.open({ source, target: target.settings, capture });
  replication.startSource();
  replication.startSink();
  await eventually(
    async () => (await target.query(`select to_regclass('public.t') as t`))[0]?.t !== null,
    () => 'the table',
  );
  await shown(`select from public.t`, 'the first row');
  // Ids of what was rolled back are given again after a crash that forgets it.
  for (let i = 0; i < 20; i++) await onSource(`begin; insert into public.t values (99, 'void'); rollback`);
  await onSource(`update public.t set v = 'seen' where id = 1`);
  await shown(`select from public.t where v = 'seen'`, 'the change');
  await server.stop('immediate');
  await server.start();
  expect(await onSource(`select v from public.t`)).toEqual([{ v: 'seen' }]);
  await onSource(`insert into public.t values (2, 'later')`);
  for (let i = 0; i < 20; i++) await onSource(`select pg_current_xact_id()`);
  await shown(`select from public.t where id = 2`, 'the row behind the crash');
});
