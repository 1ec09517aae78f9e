import { expect } from 'vitest';
import { connect } from '../../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { createQuerySource } from '../../../src/source/query/query-source.ts';
import type { QuerySourceSettings } from '../../../src/source/query/settings.ts';
import type { Source } from '../../../src/source/source.ts';
import { compareTable } from '../../../src/verify/compare.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { eventually, Replication, type ReplicationOptions } from '../../pipeline/replication.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';

/** How a source under test differs from one that polls by transaction ids. */
export type Polling = Partial<QuerySourceSettings>;

export function querySettings(connection: ConnectionSettings, polling: Polling): QuerySourceSettings {
  return {
    connection,
    name: 'shop',
    mode: 'xid',
    incrementingColumn: undefined,
    timestampColumns: [],
    timestampDelayMs: 0,
    pollIntervalMs: 20,
    query: undefined,
    keyColumns: [],
    deletes: 'ignore',
    keyMemoryBytes: 16 * 1024 * 1024,
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: [],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    maxBatchBytes: 64 * 1024,
    ...polling,
  };
}

export function querySource(connection: ConnectionSettings, polling: Polling, warn: (message: string) => void): Source {
  return createQuerySource(querySettings(connection, polling), systemClock, warn);
}

/** A polled source and its replica, each in a database of its own. */
export class Polled implements AsyncDisposable {
  readonly source: Database;
  readonly target: Database;
  readonly replication: Replication;
  readonly #reader: ConnectionSettings;

  private constructor(source: Database, target: Database, replication: Replication, reader: ConnectionSettings) {
    this.source = source;
    this.target = target;
    this.replication = replication;
    this.#reader = reader;
  }

  /** `sql` is what the source has at first; `reader` connects in another way than its superuser does. */
  static async open(
    sql: string,
    polling: Polling = {},
    options: Partial<ReplicationOptions> & {
      readonly reader?: (settings: ConnectionSettings) => ConnectionSettings;
    } = {},
  ): Promise<Polled> {
    const source = await freshDatabase('polled');
    const target = await freshDatabase('replica');
    await source.query(sql);
    const reader = options.reader?.(source.settings) ?? source.settings;
    const replication = await Replication.open({
      source: reader,
      target: target.settings,
      capture: (connection, warn) => querySource(connection, polling, warn),
      ...options,
    });
    return new Polled(source, target, replication, reader);
  }

  /** Resolves when the replica shows what the source has. */
  async equal(...tables: readonly string[]): Promise<void> {
    const [source, target] = await Promise.all([
      connect(this.source.settings, 'rowcast test'),
      connect(this.target.settings, 'rowcast test'),
    ]);
    try {
      for (const name of tables) {
        let last: unknown = 'nothing was compared';
        await eventually(
          async () => {
            try {
              last = (await compareTable(source, target, { schema: 'public', name })).difference;
            } catch (error) {
              last = error;
            }
            return last === undefined;
          },
          () => `table ${name} to be equal: ${String(last)}, retried for ${String(this.replication.lastRetry)}`,
        );
      }
    } finally {
      await Promise.all([source.end(), target.end()]);
    }
    expect(this.#reader.database).toBe(this.source.settings.database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replication[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
  }
}
