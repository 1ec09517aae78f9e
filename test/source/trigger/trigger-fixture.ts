import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import type { Source } from '../../../src/source/source.ts';
import type { TriggerSourceSettings } from '../../../src/source/trigger/settings.ts';
import { createTriggerSource } from '../../../src/source/trigger/trigger-source.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { Replication, type ReplicationOptions } from '../../pipeline/replication.ts';

/** Settings of a trigger source that differ from the usual ones in what is given. */
export function triggerSettings(
  connection: ConnectionSettings,
  more: Partial<TriggerSourceSettings> = {},
): TriggerSourceSettings {
  return {
    connection,
    name: 'shop',
    triggerName: 'shop',
    autocreateMode: 'filtered',
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: [],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    snapshotMode: 'initial',
    snapshotThreads: 1,
    snapshotChunkBytes: 16 * 1024 * 1024,
    maxBatchBytes: 1024 * 1024,
    pollIntervalMs: 500,
    ...more,
  };
}

/** A source database, its replica, and both loops between them. */
export interface TriggerWorld extends AsyncDisposable {
  readonly source: Database;
  readonly target: Database;
  readonly replication: Replication;
}

export async function triggerWorld(
  name: string,
  schema: string,
  more: Partial<TriggerSourceSettings> = {},
  options: Partial<ReplicationOptions> = {},
  server?: ConnectionSettings,
): Promise<TriggerWorld> {
  const source = await freshDatabase(name, server);
  const target = await freshDatabase(`${name}_replica`);
  await source.query(schema);
  const capture = (connection: ConnectionSettings, warn: (message: string) => void): Source =>
    createTriggerSource(triggerSettings(connection, more), systemClock, warn);
  const replication = await Replication.open({ source: source.settings, target: target.settings, capture, ...options });
  return {
    source,
    target,
    replication,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}
