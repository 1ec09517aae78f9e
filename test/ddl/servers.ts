import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../src/servers/free-port.ts';
import { type ServerPair, startServerPair, writeConnectorPair } from '../../src/servers/server-pair.ts';
import { Service } from '../../src/torture/service.ts';

const NAME = 'ddl';

export type Servers = ServerPair;

/** Starts both Postgres servers, and Kafka if wanted. */
export async function startServers(withKafka: boolean): Promise<Servers> {
  const settings = { fsync: 'off', full_page_writes: 'off' };
  return await startServerPair({
    name: NAME,
    source: { settings },
    replica: { settings },
    kafka: withKafka ? {} : undefined,
  });
}

/** What a sink tells of its replica. */
interface Told {
  readonly position: string | null;
  readonly consistent?: boolean;
  readonly partial?: readonly string[];
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
    const env = { ...process.env, ...(await writeConnectors(connectors, servers)) };
    const common = ['--connectors', connectors, '--state', join(directory, 'state')];
    const install = [main, 'check', 'ddl-source', '--install-ddl', '--yes', ...common];
    await promisify(execFile)(process.execPath, install, { env });
    const port = await freePort();
    const kafka = servers.kafka ? ['--bootstrap-servers', servers.kafka.bootstrap] : [];
    const args = ['start', ...common, '--listeners', `http://127.0.0.1:${port}`, ...kafka];
    return new Daemon(new Service({ main, args, env, logFile: join(directory, 'service.txt') }), port);
  }

  /** The position that the replica shows; undefined while nobody answers, or while tables are not whole. */
  async position(): Promise<string | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#port}/connectors/ddl-replica/status`);
      if (!answer.ok) return undefined;
      const { rowcast } = (await answer.json()) as { rowcast: Told };
      const { position, consistent, partial = [] } = rowcast;
      return consistent === true && partial.length === 0 ? (position ?? undefined) : undefined;
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

async function writeConnectors(directory: string, servers: Servers): Promise<Record<string, string>> {
  return await writeConnectorPair(directory, NAME, servers, {
    source: { 'topic.creation.default.partitions': servers.kafka ? '3' : '1' },
    replica: { 'ddl.replay': 'tables,indexes,constraints,types,schemas,partitions,sequences,comments,views,functions' },
  });
}
