import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../src/servers/free-port.ts';
import { type Run, Service } from '../../src/torture/service.ts';
import type { Lane } from '../lane.ts';

export interface DaemonOptions {
  readonly main: string;
  /** `bootstrap.servers`; undefined: the embedded log. */
  readonly kafka: string | undefined;
  readonly connectors: readonly ('source' | 'replica')[];
  /** Further settings of the connectors. */
  readonly source?: Readonly<Record<string, string>>;
  /** Where it writes its profiles; without it there are none. */
  readonly profiles?: string | undefined;
}

/** The service's own process, as a user starts it, with one connector or both of a lane. */
export class Daemon implements AsyncDisposable {
  readonly startedAt: number = performance.now();
  readonly #service: Service;
  readonly #run: Run;
  readonly #port: number;

  private constructor(service: Service, port: number) {
    this.#service = service;
    this.#port = port;
    this.startedAt = performance.now();
    this.#run = service.start();
  }

  static async start(lane: Lane, options: DaemonOptions): Promise<Daemon> {
    const { main, kafka, profiles } = options;
    const connectors = join(lane.directory, 'connectors');
    await writeConnectors(connectors, lane, options);
    const port = await freePort();
    const state = ['--state', join(lane.directory, 'state'), '--listeners', `http://127.0.0.1:${port}`];
    const log = kafka === undefined ? [] : ['--bootstrap-servers', kafka];
    const passwords = { BENCH_SOURCE: lane.source.password ?? '', BENCH_REPLICA: lane.replica.password ?? '' };
    const profiling = ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${profiles}`];
    // What follows node on its command line; its options come first.
    const [first = main, ...args] = [
      ...(profiles === undefined ? [] : profiling),
      main,
      'start',
      '--connectors',
      connectors,
      ...state,
      ...log,
    ];
    const service = new Service({
      main: first,
      args,
      env: { ...process.env, ...passwords },
      logFile: join(lane.directory, 'daemon.txt'),
    });
    return new Daemon(service, port);
  }

  get pid(): number | undefined {
    return this.#run.pid;
  }

  /** Throws when it has ended or given up. */
  readonly assertAlive = (): void => {
    if (this.#run.gaveUp !== undefined) throw new Error(`A connector gave up: ${this.#run.gaveUp}`);
    if (this.#run.exit !== undefined) throw new Error(`The daemon ended by itself: ${this.#run.lastWords}`);
  };

  /** The value of a metric; undefined while nobody answers, or when there is none. */
  async metric(name: string): Promise<number | undefined> {
    const page = await fetch(`http://127.0.0.1:${this.#port}/metrics`).then(
      (response) => (response.ok ? response.text() : undefined),
      () => undefined, // not yet up
    );
    const sample = page?.split('\n').find((line) => line.startsWith(`${name}{`));
    return sample === undefined ? undefined : Number(sample.split(' ').at(-1));
  }

  /** In order: it drains and leaves. */
  async stop(): Promise<void> {
    this.#run.kill('SIGTERM');
    await this.#run.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
  }
}

async function writeConnectors(
  directory: string,
  lane: Lane,
  { connectors, source = {} }: DaemonOptions,
): Promise<void> {
  const { name, table, tables, replica } = lane;
  const files = {
    source: {
      'connector.class': 'PostgresWalSource',
      'database.hostname': lane.source.host,
      'database.port': String(lane.source.port),
      'database.user': lane.source.user,
      'database.password': '${env:BENCH_SOURCE}',
      'database.dbname': lane.source.database,
      'topic.prefix': name,
      'slot.name': name,
      'publication.name': name,
      ...(tables.length === 1 && { 'table.include.list': `public.${table}` }), // the database has no others
      ...source,
    },
    replica: {
      'connector.class': 'PostgresSink',
      'connection.url': `jdbc:postgresql://${replica.host}:${replica.port}/${replica.database}`,
      'connection.username': replica.user,
      'connection.password': '${env:BENCH_REPLICA}',
      'topic.prefix': name,
    },
  };
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const kind of connectors)
    await writeFile(
      join(directory, `${kind}.json`),
      JSON.stringify({ name: `${name}-${kind}`, config: files[kind] }, null, 2),
    );
}
