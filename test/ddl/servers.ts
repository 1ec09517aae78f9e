import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type KafkaServer, startKafka } from '../../src/cli/demo/kafka-server.ts';
import { startPostgres } from '../../src/cli/demo/postgres-server.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { Service } from '../torture/service.ts';

const NAME = 'ddl';

/** The servers of one run; disposing of them stops them. */
export interface Servers extends AsyncDisposable {
  readonly source: ConnectionSettings;
  readonly replica: ConnectionSettings;
  readonly kafka: KafkaServer | undefined;
}

/** Starts both Postgres servers, and Kafka if wanted. */
export async function startServers(withKafka: boolean): Promise<Servers> {
  const settings = { fsync: 'off', full_page_writes: 'off' };
  const started = await Promise.allSettled([
    startPostgres({ settings }),
    startPostgres({ settings }),
    withKafka ? startKafka() : Promise.resolve(undefined),
  ]);
  const stop = async (): Promise<void> => {
    for (const each of started) if (each.status === 'fulfilled') await each.value?.[Symbol.asyncDispose]();
  };
  try {
    const [source, replica, kafka] = [valueOf(started[0]), valueOf(started[1]), valueOf(started[2])];
    return {
      source: await source.createDatabase(NAME),
      replica: await replica.createDatabase(NAME),
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

/** The daemon under test, as a user sets it up: two connector files, and the event trigger by `rowcast check --install-ddl`. */
export class Daemon implements AsyncDisposable {
  readonly service: Service;
  readonly #port: number;

  private constructor(service: Service, port: number) {
    this.service = service;
    this.#port = port;
  }

  static async make(main: string, directory: string, servers: Servers): Promise<Daemon> {
    const connectors = join(directory, 'connectors');
    const env = await writeConnectors(connectors, servers);
    const common = ['--connectors', connectors, '--state', join(directory, 'state')];
    const install = [main, 'check', 'ddl-source', '--install-ddl', '--yes', ...common];
    await promisify(execFile)(process.execPath, install, { env: { ...process.env, ...env } });
    const port = await freePort();
    const kafka = servers.kafka ? ['--bootstrap-servers', servers.kafka.bootstrap] : [];
    const args = ['start', ...common, '--listeners', `http://127.0.0.1:${port}`, ...kafka];
    return new Daemon(new Service({ main, args, env, logFile: join(directory, 'service.txt') }), port);
  }

  /** The position that the replica shows; undefined while nobody answers, or while the first copy is not whole. */
  async position(): Promise<string | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/connectors/ddl-replica/status`);
      if (!answer.ok) return undefined;
      const { rowcast } = (await answer.json()) as { rowcast: { position: string | null; consistent?: boolean } };
      return rowcast.consistent === true ? (rowcast.position ?? undefined) : undefined;
    } catch {
      return undefined; // it is starting, or was killed
    }
  }

  /** Throws when it has ended or given up: waiting any longer is no use. */
  assertAlive(): void {
    const { running } = this.service;
    if (running?.gaveUp !== undefined) throw new Error(`A connector gave up: ${running.gaveUp}`);
    if (running === undefined) throw new Error('The daemon has ended by itself');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
  }
}

async function writeConnectors(
  directory: string,
  { source, replica, kafka }: Servers,
): Promise<Record<string, string>> {
  const files = {
    source: {
      'connector.class': 'PostgresWalSource',
      'database.hostname': source.host,
      'database.port': String(source.port),
      'database.user': source.user,
      'database.password': '${env:DDL_SOURCE_PASSWORD}',
      'database.dbname': source.database,
      'topic.prefix': NAME,
      'topic.creation.default.partitions': kafka ? '3' : '1',
    },
    replica: {
      'connector.class': 'PostgresSink',
      'connection.url': `jdbc:postgresql://${replica.host}:${replica.port}/${replica.database}`,
      'connection.username': replica.user,
      'connection.password': '${env:DDL_REPLICA_PASSWORD}',
      'topic.prefix': NAME,
      'ddl.replay': 'tables,indexes,constraints,types,schemas,partitions,sequences,comments,views,functions',
    },
  };
  await mkdir(directory, { recursive: true });
  for (const [name, config] of Object.entries(files))
    await writeFile(join(directory, `${name}.json`), JSON.stringify({ name: `ddl-${name}`, config }, null, 2));
  return { DDL_SOURCE_PASSWORD: source.password ?? '', DDL_REPLICA_PASSWORD: replica.password ?? '' };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
