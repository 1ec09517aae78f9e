import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KafkaServer, startKafka } from '../../src/cli/demo/kafka-server.ts';
import { startPostgres } from '../../src/cli/demo/postgres-server.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';

/** `topic.prefix`, and the name of the database on both sides. */
export const PREFIX = 'giant';

/** The servers of one run; disposing of them stops them. */
export interface Servers extends AsyncDisposable {
  readonly source: ConnectionSettings;
  readonly replica: ConnectionSettings;
  readonly kafka: KafkaServer | undefined;
}

/** Starts both Postgres servers, and Kafka if wanted. The replica keeps the time of every commit, which is what tells transactions apart. */
export async function startServers(withKafka: boolean): Promise<Servers> {
  const wal = { max_wal_size: '2GB', fsync: 'off', full_page_writes: 'off' };
  const started = await Promise.allSettled([
    startPostgres({ settings: wal }),
    startPostgres({ settings: { ...wal, track_commit_timestamp: 'on' } }),
    withKafka ? startKafka() : Promise.resolve(undefined),
  ]);
  const stop = async (): Promise<void> => {
    for (const each of started) if (each.status === 'fulfilled') await each.value?.[Symbol.asyncDispose]();
  };
  try {
    const [source, replica, kafka] = [valueOf(started[0]), valueOf(started[1]), valueOf(started[2])];
    return {
      source: await source.createDatabase(PREFIX),
      replica: await replica.createDatabase(PREFIX),
      kafka,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** Writes both connector files into `directory`, with default settings otherwise, and returns the environment that they refer to. */
export async function writeConnectors(
  directory: string,
  { source, replica, kafka }: Servers,
  partitions: number,
): Promise<Record<string, string>> {
  const files = {
    source: {
      'connector.class': 'PostgresWalSource',
      'database.hostname': source.host,
      'database.port': String(source.port),
      'database.user': source.user,
      'database.password': '${env:GIANT_SOURCE_PASSWORD}',
      'database.dbname': source.database,
      'topic.prefix': PREFIX,
      'table.include.list': 'public\\..*',
      'topic.creation.default.partitions': String(partitions),
      // A row of 5 MB is one record; the broker takes 16 MB, see the topic's setting.
      ...(kafka ? { 'topic.creation.default.max.message.bytes': String(16 * 1024 * 1024) } : {}),
    },
    replica: {
      'connector.class': 'PostgresSink',
      'connection.url': `jdbc:postgresql://${replica.host}:${replica.port}/${replica.database}`,
      'connection.username': replica.user,
      'connection.password': '${env:GIANT_REPLICA_PASSWORD}',
      'topic.prefix': PREFIX,
      'auto.create': 'true',
    },
  };
  await mkdir(directory, { recursive: true });
  for (const [name, config] of Object.entries(files))
    await writeFile(join(directory, `${name}.json`), JSON.stringify({ name: `giant-${name}`, config }, null, 2));
  return { GIANT_SOURCE_PASSWORD: source.password ?? '', GIANT_REPLICA_PASSWORD: replica.password ?? '' };
}
