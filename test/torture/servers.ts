import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KafkaServer, startKafka } from '../../src/cli/demo/kafka-server.ts';
import { type PostgresServer, startPostgres } from '../../src/cli/demo/postgres-server.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';

/** `topic.prefix`, and the name of the database on both sides. */
export const PREFIX = 'torture';

/** The servers of one run; disposing of them stops them. */
export interface Servers extends AsyncDisposable {
  readonly sourceServer: PostgresServer;
  readonly replicaServer: PostgresServer;
  readonly kafka: KafkaServer | undefined;
  readonly source: ConnectionSettings;
  readonly replica: ConnectionSettings;
}

/** Starts both Postgres servers, and Kafka if wanted. With `keepIn` their data stays in that folder. */
export async function startServers(withKafka: boolean, keepIn: string | undefined): Promise<Servers> {
  const place = (name: string): { directory?: string } =>
    keepIn === undefined ? {} : { directory: join(keepIn, name) };
  const started = await Promise.allSettled([
    startPostgres(place('source')),
    startPostgres(place('replica')),
    withKafka ? startKafka(place('kafka')) : Promise.resolve(undefined),
  ]);
  const stop = async (): Promise<void> => {
    for (const each of started) if (each.status === 'fulfilled') await each.value?.[Symbol.asyncDispose]();
  };
  try {
    const [sourceServer, replicaServer, kafka] = [valueOf(started[0]), valueOf(started[1]), valueOf(started[2])];
    const source = await sourceServer.createDatabase(PREFIX);
    const replica = await replicaServer.createDatabase(PREFIX);
    return { sourceServer, replicaServer, kafka, source, replica, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** Writes the two connector files into `directory`, with `more` settings of the source, and returns the environment that they refer to. */
export async function writeConnectors(
  directory: string,
  servers: Servers,
  more: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  await mkdir(directory, { recursive: true });
  const files = { 'source.json': sourceConnector(servers, more), 'replica.json': sinkConnector(servers) };
  for (const [name, file] of Object.entries(files))
    await writeFile(join(directory, name), JSON.stringify(file, null, 2));
  return {
    TORTURE_SOURCE_PASSWORD: servers.source.password ?? '',
    TORTURE_REPLICA_PASSWORD: servers.replica.password ?? '',
  };
}

/** Small batches, so that transactions span several and the first copy has many. */
function sourceConnector({ source, kafka }: Servers, more: Readonly<Record<string, string>>): object {
  return {
    name: 'torture-source',
    config: {
      'connector.class': 'PostgresWalSource',
      'database.hostname': source.host,
      'database.port': String(source.port),
      'database.user': source.user,
      'database.password': '${env:TORTURE_SOURCE_PASSWORD}',
      'database.dbname': source.database,
      'topic.prefix': PREFIX,
      'slot.name': 'rowcast_torture',
      'publication.name': 'rowcast_torture',
      'table.include.list': 'public\\..*',
      'max.batch.bytes': '65536',
      'topic.creation.default.partitions': kafka ? '3' : '1',
      ...more,
    },
  };
}

function sinkConnector({ replica }: Servers): object {
  return {
    name: 'torture-replica',
    config: {
      'connector.class': 'PostgresSink',
      'connection.url': `jdbc:postgresql://${replica.host}:${replica.port}/${replica.database}`,
      'connection.username': replica.user,
      'connection.password': '${env:TORTURE_REPLICA_PASSWORD}',
      'topic.prefix': PREFIX,
      'auto.create': 'true',
      'target.not.empty': 'refuse',
    },
  };
}
