import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KafkaCluster, type KafkaClusterOptions, startKafkaCluster } from './kafka-cluster.ts';
import { type PostgresOptions, type PostgresServer, startPostgres } from './postgres-server.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';

type Settings = Readonly<Record<string, string>>;

/** The servers that one command replicates between; disposing of them stops them. */
export interface ServerPair extends AsyncDisposable {
  readonly sourceServer: PostgresServer;
  readonly replicaServer: PostgresServer;
  readonly kafka: KafkaCluster | undefined;
  readonly source: ConnectionSettings;
  readonly replica: ConnectionSettings;
}

export interface ServerPairOptions {
  /** Of the database on both sides. */
  readonly name: string;
  readonly source?: PostgresOptions;
  readonly replica?: PostgresOptions;
  /** Without them there is no Kafka. */
  readonly kafka?: KafkaClusterOptions | undefined;
}

/** Starts both Postgres servers, and Kafka if wanted, at once. Those that run are stopped when another one fails. */
export async function startServerPair(
  { name, source, replica, kafka }: ServerPairOptions,
  signal?: AbortSignal,
): Promise<ServerPair> {
  const started = await Promise.allSettled([
    startPostgres(source),
    startPostgres(replica),
    kafka ? startKafkaCluster(kafka, signal) : Promise.resolve(undefined),
  ]);
  const running = started.flatMap((result) => (result.status === 'fulfilled' && result.value ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server[Symbol.asyncDispose]()));
  };
  try {
    signal?.throwIfAborted();
    const [sourceServer, replicaServer, cluster] = [valueOf(started[0]), valueOf(started[1]), valueOf(started[2])];
    return {
      sourceServer,
      replicaServer,
      kafka: cluster,
      source: await sourceServer.createDatabase(name),
      replica: await replicaServer.createDatabase(name),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Writes the files of connectors `<prefix>-source` and `<prefix>-replica`, with `more` settings of each besides where they connect to, and returns the
 * environment that they refer to for passwords.
 */
export async function writeConnectorPair(
  directory: string,
  prefix: string,
  { source, replica }: Pick<ServerPair, 'source' | 'replica'>,
  more: { readonly source: Settings; readonly replica: Settings },
): Promise<Record<string, string>> {
  const password = (side: string): string => `${prefix.toUpperCase()}_${side}_PASSWORD`;
  const files = {
    source: {
      'connector.class': 'PostgresWalSource',
      'database.hostname': source.host,
      'database.port': String(source.port),
      'database.user': source.user,
      'database.password': `\${env:${password('SOURCE')}}`,
      'database.dbname': source.database,
      'topic.prefix': prefix,
      ...more.source,
    },
    replica: {
      'connector.class': 'PostgresSink',
      'connection.url': `jdbc:postgresql://${replica.host}:${replica.port}/${replica.database}`,
      'connection.username': replica.user,
      'connection.password': `\${env:${password('REPLICA')}}`,
      'topic.prefix': prefix,
      ...more.replica,
    },
  };
  await mkdir(directory, { recursive: true });
  for (const [name, config] of Object.entries(files))
    await writeFile(join(directory, `${name}.json`), JSON.stringify({ name: `${prefix}-${name}`, config }, null, 2));
  return { [password('SOURCE')]: source.password ?? '', [password('REPLICA')]: replica.password ?? '' };
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
