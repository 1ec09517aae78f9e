import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/servers/postgres-server.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The superuser's connection to the one embedded Postgres of this run. */
    postgres: ConnectionSettings;
  }
}

/** Starts one embedded Postgres for all test files of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({
    settings: { max_connections: '200', max_wal_senders: '50', max_replication_slots: '50' },
  });
  project.provide('postgres', server.settings());
  return async () => await server[Symbol.asyncDispose]();
}
