import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { freePort } from '../../src/servers/free-port.ts';
import { until } from '../waiting.ts';
import type { DebeziumJars } from './debezium-jars.ts';

/** A file of settings as Java has them. */
export type Properties = Readonly<Record<string, string>>;

/** A Java process that dies with us. */
export class JavaProcess implements AsyncDisposable {
  readonly startedAt: number = performance.now();
  readonly #child: ChildProcess;
  readonly #name: string;
  #lines = '';

  constructor(name: string, args: readonly string[], logFile: string) {
    this.#name = name;
    const child = spawn('java', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    const log = createWriteStream(logFile, { flags: 'a' });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log.write(text);
        this.#lines = (this.#lines + text).slice(-4096);
      });
    }
    child.once('exit', () => log.end());
    const watchdog = spawn('sh', ['-c', 'read -r _; kill -KILL "$0" 2>/dev/null', String(child.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    watchdog.stdin?.on('error', () => {}); // it ended first
    watchdog.unref();
    child.once('exit', () => watchdog.kill('SIGKILL'));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  readonly assertAlive = (): void => {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      throw new Error(`${this.#name} has ended: ${this.#lines}`);
    if (/ERROR.*(Task threw an uncaught|unrecoverable)/i.test(this.#lines))
      throw new Error(`${this.#name}: ${this.#lines}`);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const impatient = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    await exited;
    clearTimeout(impatient);
  }
}

/** The Avro schema registry, in memory. */
export async function startRegistry(
  jars: DebeziumJars,
  directory: string,
  signal: AbortSignal,
): Promise<{ process: JavaProcess; url: string }> {
  const port = await freePort();
  const java = new JavaProcess(
    'The registry',
    ['-Xmx512m', `-Dquarkus.http.port=${port}`, '-Dquarkus.http.host=127.0.0.1', '-jar', jars.registryJar],
    join(directory, 'registry.txt'),
  );
  try {
    const isUp = async (): Promise<true | undefined> =>
      await fetch(`http://127.0.0.1:${port}/health/ready`).then(
        ({ ok }) => ok || undefined,
        () => undefined, // not yet
      );
    await until(isUp, {
      what: 'the registry',
      everyMs: 200,
      timeoutMs: 120_000,
      assertAlive: java.assertAlive,
      signal,
    });
    return { process: java, url: `http://127.0.0.1:${port}/apis/registry/v2` };
  } catch (error) {
    await java[Symbol.asyncDispose]();
    throw error;
  }
}

export interface ConnectOptions {
  readonly jars: DebeziumJars;
  readonly bootstrap: string;
  readonly registryUrl: string;
  /** For its files. */
  readonly directory: string;
  readonly connectors: readonly Properties[];
}

/** Kafka Connect in standalone mode, with the heap that its own start script gives it. */
export async function startConnect(options: ConnectOptions): Promise<JavaProcess> {
  const { jars, directory, connectors } = options;
  await mkdir(directory, { recursive: true });
  const files = [await write(join(directory, 'worker.properties'), await worker(options))];
  for (const each of connectors) files.push(await write(join(directory, `${each['name']}.properties`), each));
  const heap = [
    '-server',
    '-Xms256M',
    '-Xmx2G',
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:InitiatingHeapOccupancyPercent=35',
  ];
  const main = ['-cp', join(jars.connect, '*'), 'org.apache.kafka.connect.cli.ConnectStandalone'];
  return new JavaProcess('Connect', [...heap, ...main, ...files], join(dirname(directory), 'connect.txt'));
}

async function worker({ jars, bootstrap, registryUrl, directory }: ConnectOptions): Promise<Properties> {
  const converter = (prefix: string): Properties => ({
    [`${prefix}.converter`]: 'io.apicurio.registry.utils.converter.AvroConverter',
    [`${prefix}.converter.apicurio.registry.url`]: registryUrl,
    [`${prefix}.converter.apicurio.registry.auto-register`]: 'true',
    [`${prefix}.converter.apicurio.registry.find-latest`]: 'true',
    [`${prefix}.converter.apicurio.registry.as-confluent`]: 'true',
    [`${prefix}.converter.apicurio.registry.headers.enabled`]: 'false',
    [`${prefix}.converter.apicurio.registry.use-id`]: 'contentId',
  });
  return {
    'bootstrap.servers': bootstrap,
    'plugin.path': jars.plugins,
    'plugin.discovery': 'hybrid_warn',
    listeners: `http://127.0.0.1:${await freePort()}`,
    'offset.storage.file.filename': join(directory, 'offsets'),
    ...converter('key'),
    ...converter('value'),
  };
}

async function write(file: string, properties: Properties): Promise<string> {
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(file, lines.join(''));
  return file;
}
