import { join } from 'node:path';
import { type ServerPair, startServerPair, writeConnectorPair } from '../support/server-pair.ts';

/** `topic.prefix`, and the name of the database on both sides. */
export const PREFIX = 'torture';

export type Servers = ServerPair;

/** Starts both Postgres servers, and Kafka if wanted. With `keepIn` their data stays in that folder. */
export async function startServers(withKafka: boolean, keepIn: string | undefined): Promise<Servers> {
  const place = (name: string): { directory?: string } =>
    keepIn === undefined ? {} : { directory: join(keepIn, name) };
  return await startServerPair({
    name: PREFIX,
    source: place('source'),
    replica: place('replica'),
    kafka: withKafka ? place('kafka') : undefined,
  });
}

/**
 * Writes the two connector files into `directory`, with these settings of the source, and returns the environment that they refer to. Batches are
 * small, so that transactions span several and the first copy has many.
 */
export async function writeConnectors(
  directory: string,
  servers: Servers,
  settings: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  return await writeConnectorPair(directory, PREFIX, servers, {
    source: {
      'table.include.list': 'public\\..*',
      'max.batch.bytes': '65536',
      'topic.creation.default.partitions': servers.kafka ? '3' : '1',
      ...settings,
    },
    replica: { 'auto.create': 'true', 'target.not.empty': 'refuse' },
  });
}
