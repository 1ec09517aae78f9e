import type { PostgresServer } from '../../src/servers/postgres-server.ts';
import { connect } from '../../src/postgres/connect.ts';
import { quoteIdentifier } from '../../src/postgres/identifier.ts';
import { HOSTILE_SETTINGS, SHADOW } from './settings.ts';

/** What of a server a harness needs to make its databases. */
export type DatabaseMaker = Pick<PostgresServer, 'createDatabase'>;

/**
 * These would not act on Rowcast but on what a harness does at the source itself: foreign keys would not act there, and a commit would be seen
 * before it is in the WAL that a replica is waited for.
 */
const OF_THE_APPLICATION = /^(session_replication_role|synchronous_commit) /;

/**
 * The same server, all of whose databases have hostile settings, and a schema before pg_catalog that shadows all of it. A harness's own
 * sessions pin theirs as Rowcast's do.
 */
export function hostileServer(server: DatabaseMaker): DatabaseMaker {
  return {
    async createDatabase(name) {
      const settings = await server.createDatabase(name);
      const client = await connect(settings, 'hostile');
      try {
        const found = await client.query<{ version: number }>(
          `select current_setting('server_version_num')::int / 10000 as version`,
        );
        await client.query(SHADOW);
        const version = found.rows[0]?.version ?? 0;
        for (const { sql, since = 0, until = 99 } of HOSTILE_SETTINGS) {
          if (version < since || version > until || OF_THE_APPLICATION.test(sql)) continue;
          await client.query(`alter database ${quoteIdentifier(settings.database)} set ${sql}`);
        }
      } finally {
        await client.end();
      }
      return settings;
    },
  };
}
