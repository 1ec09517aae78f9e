import { type ServerPair, startServerPair, writeConnectorPair } from '../../src/servers/server-pair.ts';

/** `topic.prefix`, and the name of the database on both sides. */
export const PREFIX = 'giant';

export type Servers = ServerPair;

/** Starts both Postgres servers, and Kafka if wanted. The replica keeps the time of every commit, which is what tells transactions apart. */
export async function startServers(withKafka: boolean): Promise<Servers> {
  const wal = { max_wal_size: '2GB', fsync: 'off', full_page_writes: 'off' };
  return await startServerPair({
    name: PREFIX,
    source: { settings: wal },
    replica: { settings: { ...wal, track_commit_timestamp: 'on' } },
    kafka: withKafka ? {} : undefined,
  });
}

/** Writes both connector files into `directory`, with default settings otherwise, and returns the environment that they refer to. */
export async function writeConnectors(
  directory: string,
  servers: Servers,
  partitions: number,
): Promise<Record<string, string>> {
  return await writeConnectorPair(directory, PREFIX, servers, {
    source: {
      'table.include.list': 'public\\..*',
      'topic.creation.default.partitions': String(partitions),
      // A row of 5 MB is one record; the broker takes 16 MB, see the topic's setting.
      ...(servers.kafka ? { 'topic.creation.default.max.message.bytes': String(16 * 1024 * 1024) } : {}),
    },
    replica: { 'auto.create': 'true' },
  });
}
