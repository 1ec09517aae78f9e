import type { Operation, SourceClaims, SourceKit } from '../../src/conformance/source-kit.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import { compileFilter } from '../../src/source/capture/filter.ts';
import { createQuerySource } from '../../src/source/query/query-source.ts';
import type { QueryMode } from '../../src/source/query/settings.ts';
import { uninstall as uninstallTriggers } from '../../src/source/trigger/set-up.ts';
import { createTriggerSource } from '../../src/source/trigger/trigger-source.ts';
import { dropPublication } from '../../src/source/wal/publication.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import { dropSlot } from '../../src/source/wal/slot.ts';
import { createWalSource } from '../../src/source/wal/wal-source.ts';
import { systemClock } from '../../src/worker/system-clock.ts';

const EVERYTHING: readonly Operation[] = ['insert', 'update', 'delete', 'key change', 'truncate'];
const MAX_BATCH_BYTES = 64 * 1024;
const LISTS = {
  schemaInclude: [],
  schemaExclude: [],
  tableInclude: [],
  tableExclude: [],
  columnInclude: [],
  columnExclude: [],
};
const COPY = { snapshotMode: 'initial', snapshotThreads: 1, snapshotChunkBytes: 16 * 1024 } as const;

const CHANGES: SourceClaims = {
  operations: EVERYTHING,
  tells: 'changes',
  keyless: true,
  repeats: false,
  maxBatchBytes: MAX_BATCH_BYTES,
};

function walSettings(connection: ConnectionSettings, name: string, maxBatchBytes: number): WalSourceSettings {
  return {
    connection,
    name,
    slotName: name,
    publicationName: name,
    publicationAutocreateMode: 'filtered',
    maxBatchBytes,
    statusIntervalMs: 1_000,
    ...LISTS,
    ...COPY,
  };
}

/** Reads the WAL; batches are full, or end with a change that goes beyond this. */
export const walKitOf = (maxBatchBytes: number): SourceKit => ({
  name: 'wal',
  claims: { ...CHANGES, maxBatchBytes },
  create: ({ connection, connector, warn }) =>
    createWalSource(walSettings(connection, connector, maxBatchBytes), systemClock, warn),
  async uninstall(connection, connector) {
    const settings = walSettings(connection, connector, maxBatchBytes);
    const client = await connect(connection, 'rowcast conformance');
    try {
      await dropSlot(client, connector, AbortSignal.timeout(30_000));
      await dropPublication(client, settings, compileFilter(settings));
    } finally {
      await client.end();
    }
  },
  async keeps(session, connector) {
    const lsnOf = async (sql: string): Promise<number> => {
      const { rows } = await session.query<{ lsn: string }>(sql);
      return parseLsn(rows[0]?.lsn ?? '0/0');
    };
    const written = await lsnOf('select pg_current_wal_lsn()::text as lsn');
    const confirmed = `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = '${connector}'`;
    return async () => (await lsnOf(confirmed)) < written;
  },
});

/** As others read theirs. */
export const walKit: SourceKit = walKitOf(MAX_BATCH_BYTES);

/** Reads what triggers write down. */
export const triggerKit: SourceKit = {
  name: 'trigger',
  claims: CHANGES,
  create: ({ connection, connector, warn }) =>
    createTriggerSource(
      {
        connection,
        name: connector,
        triggerName: connector,
        autocreateMode: 'filtered',
        maxBatchBytes: MAX_BATCH_BYTES,
        pollIntervalMs: 100,
        ...LISTS,
        ...COPY,
      },
      systemClock,
      warn,
    ),
  async uninstall(connection, connector) {
    const client = await connect(connection, 'rowcast conformance');
    try {
      await uninstallTriggers(client, connector);
    } finally {
      await client.end();
    }
  },
  keeps: async (session, connector) => async () => {
    const { rows } = await session.query(`select from rowcast.events_${connector} limit 1`);
    return rows.length > 0;
  },
};

/** Polls tables in a mode. */
export function queryKit(mode: QueryMode): SourceKit {
  const isBulk = mode === 'bulk';
  return {
    name: `query ${mode}`,
    claims: { ...CHANGES, tells: 'states', keyless: isBulk, repeats: isBulk },
    create: ({ connection, connector, warn }) =>
      createQuerySource(
        {
          connection,
          name: connector,
          mode,
          incrementingColumn: mode.includes('incrementing') ? 'id' : undefined,
          timestampColumns: mode.includes('timestamp') ? ['at'] : [],
          timestampDelayMs: 0,
          pollIntervalMs: isBulk ? 100 : 20,
          query: undefined,
          keyColumns: [],
          deletes: isBulk ? 'ignore' : 'keys',
          keyMemoryBytes: 64 * 1024 * 1024,
          maxBatchBytes: MAX_BATCH_BYTES,
          ...LISTS,
        },
        systemClock,
        warn,
      ),
    async uninstall() {},
  };
}

const MODES: readonly QueryMode[] = ['bulk', 'incrementing', 'timestamp', 'timestamp+incrementing', 'xid'];

/** Every source that comes with Rowcast, in each of its modes. */
export const SOURCE_KITS: readonly SourceKit[] = [walKit, ...MODES.map(queryKit), triggerKit];
