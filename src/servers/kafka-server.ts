import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { freePorts } from './free-port.ts';
import { OperatorError } from '../errors.ts';
import { findJava, kafkaJars } from './kafka-jars.ts';

export { canStartKafka, findJava } from './kafka-jars.ts';

export interface KafkaServerOptions {
  /** Where the data lives; kept. Without it: a temporary folder that `stop` removes. */
  readonly directory?: string;
  /** Where clients connect, on 127.0.0.1; without it: a free one. */
  readonly port?: number;
  /** What clients are told instead, where a proxy stands before it. */
  readonly toldPort?: number;
  /** Further broker settings (`server.properties`). */
  readonly config?: Readonly<Record<string, string>>;
  /** Its place among several; without it: it is the only one. */
  readonly member?: ClusterMember;
  /** Is given every line that Kafka logs at WARN or above. */
  readonly log?: (line: string) => void;
}

/** A node that is broker and controller. */
interface Place {
  /** From 1 on. */
  readonly node: number;
  /** Of all nodes, in their order. */
  readonly controllerPorts: readonly number[];
  /** Where the other nodes find it; without it: there is no other one. */
  readonly replicationPort?: number;
}

/** One of several. */
export interface ClusterMember extends Required<Place> {
  readonly clusterId: string;
}

/** A running broker of its own process; disposing of it stops it. It dies with this process, however that ends. */
export interface KafkaServer extends AsyncDisposable {
  /** `127.0.0.1:port`, for bootstrap.servers. */
  readonly bootstrap: string;
  readonly port: number;
  readonly directory: string;
  /** Stops it in order; removes its data when they were temporary. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL, as a crash would. `restart` brings it back. */
  kill(): void;
  /** Ends it in order, and keeps its data. `restart` brings it back. */
  shutDown(): Promise<void>;
  /** Starts it again on the same port with the same data, after a stop in order when it still runs. */
  restart(): Promise<void>;
}

const STARTED = 'Kafka Server started';
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;
/** What a broker may have, and what each of several. */
const HEAP = '768m';
const MEMBER_HEAP = '320m';
/** How much of Kafka's log a failed start quotes. */
const LINES_KEPT = 20;

/**
 * Starts a real single-node Apache Kafka (KRaft) that listens on 127.0.0.1 only. Throws OperatorError without Java 17 or
 * Maven, or when the broker does not come up.
 */
export async function startKafka(options: KafkaServerOptions = {}, signal?: AbortSignal): Promise<KafkaServer> {
  const java = await findJava();
  if (java === undefined) {
    throw new OperatorError('Java 17 or newer is not installed, so no Kafka can be started', {
      advice: 'Install a Java runtime, or point bootstrap.servers at a Kafka that runs elsewhere.',
    });
  }
  const jars = await kafkaJars(signal);
  const [clientPort, controllerPort] = (await freePorts(2)) as [number, number];
  const port = options.port ?? clientPort;
  const directory = options.directory ?? (await mkdtemp(path.join(tmpdir(), 'rowcast-kafka-')));
  const heap = options.member === undefined ? HEAP : MEMBER_HEAP;
  const args = javaArguments(jars, directory, heap);
  const node = new KafkaNode(java, args, directory, options.directory === undefined, port, options.log);
  try {
    const place = options.member ?? { node: 1, controllerPorts: [controllerPort] };
    const settings = { ...serverProperties(directory, port, options.toldPort ?? port, place), ...options.config };
    await format(java, jars, directory, settings, options.member?.clusterId ?? newClusterId());
    await node.start(signal);
    return node;
  } catch (error) {
    await node.stop();
    throw error;
  }
}

class KafkaNode implements KafkaServer {
  readonly bootstrap: string;
  readonly port: number;
  readonly directory: string;
  readonly #java: string;
  readonly #args: readonly string[];
  readonly #isTemporary: boolean;
  readonly #log: (line: string) => void;
  readonly #killAtExit = (): void => this.kill();
  #child: ChildProcess | undefined;

  constructor(
    java: string,
    args: readonly string[],
    directory: string,
    isTemporary: boolean,
    port: number,
    log: ((line: string) => void) | undefined,
  ) {
    this.#java = java;
    this.#args = args;
    this.directory = directory;
    this.#isTemporary = isTemporary;
    this.port = port;
    this.bootstrap = `127.0.0.1:${port}`;
    this.#log = log ?? (() => undefined);
  }

  async start(signal?: AbortSignal): Promise<void> {
    const child = spawn(this.#java, this.#args, {
      // Of a process group of its own: Ctrl-C reaches us first, and we stop it when its clients are done.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    process.on('exit', this.#killAtExit);
    if (child.pid !== undefined) killWhenWeDie(child.pid, child);
    await this.#started(child, signal);
  }

  async stop(): Promise<void> {
    // Data that are thrown away need no shutdown in order.
    await this.#end(this.#isTemporary ? 'SIGKILL' : 'SIGTERM');
    if (this.#isTemporary) await rm(this.directory, { recursive: true, force: true });
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async shutDown(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async restart(): Promise<void> {
    await this.#end(this.#child?.killed ? 'SIGKILL' : 'SIGTERM');
    await this.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    process.off('exit', this.#killAtExit);
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const forced = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(forced);
  }

  /** Resolves at the line that says so; rejects with the last lines when the process ends before it. */
  async #started(child: ChildProcess, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = deferred();
    const last: string[] = [];
    const onLine = (line: string): void => {
      if (line.includes(STARTED)) return resolve();
      this.#log(line);
      last.push(line);
      if (last.length > LINES_KEPT) last.shift();
    };
    if (child.stdout) createInterface({ input: child.stdout }).on('line', onLine);
    if (child.stderr) createInterface({ input: child.stderr }).on('line', onLine);
    const fail = (why: string): void => reject(new OperatorError(`Kafka did not start: ${why}\n${last.join('\n')}`));
    const onAbort = (): void => reject(signal?.reason as Error);
    const timeout = setTimeout(() => fail(`no answer within ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, by) => fail(`it ended with ${by ?? code}`));
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    try {
      await promise;
    } finally {
      clearTimeout(timeout);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}

/**
 * A shell that waits on a pipe from us: when this process dies, even by SIGKILL, the pipe closes and the broker is killed.
 * Where there is no `sh` only an exit in order takes the broker along.
 */
function killWhenWeDie(pid: number, child: ChildProcess): void {
  const watchdog = spawn('sh', ['-c', 'read -r _; kill -KILL "$0" 2>/dev/null', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.on('error', () => undefined);
  watchdog.unref();
  child.once('exit', () => watchdog.kill('SIGKILL'));
}

function javaArguments(jars: string, directory: string, heap: string): string[] {
  return [
    `-Xmx${heap}`,
    '-XX:+UseSerialGC',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
    '-cp',
    path.join(jars, '*'),
    'kafka.Kafka',
    path.join(directory, 'server.properties'),
  ];
}

/** Writes server.properties, and gives a new data folder its cluster id. */
async function format(
  java: string,
  jars: string,
  directory: string,
  settings: Readonly<Record<string, string>>,
  clusterId: string,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, 'server.properties');
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(file, lines.join(''));
  if (existsSync(path.join(directory, 'data', 'meta.properties'))) return;
  const args = ['-cp', path.join(jars, '*'), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file];
  await promisify(execFile)(java, args);
}

/** An id for a cluster that is new. */
export function newClusterId(): string {
  return `r${randomBytes(16).toString('base64url').slice(1)}`;
}

/**
 * The nodes of a cluster talk to each other past what clients are told.
 * @see https://kafka.apache.org/documentation/#brokerconfigs
 */
function serverProperties(
  directory: string,
  port: number,
  toldPort: number,
  { node, controllerPorts, replicationPort }: Place,
): Record<string, string> {
  const replicas = String(controllerPorts.length);
  const insync = String(Math.max(1, controllerPorts.length - 1)); // one of three may be away
  const among = replicationPort === undefined ? '' : `,REPLICATION://127.0.0.1:${replicationPort}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node),
    'controller.quorum.voters': controllerPorts.map((each, i) => `${i + 1}@127.0.0.1:${each}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPorts[node - 1]}${among}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${toldPort}${among}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${among && ',REPLICATION:PLAINTEXT'}`,
    ...(among && {
      'inter.broker.listener.name': 'REPLICATION',
      // Who has come back leads again soon.
      'leader.imbalance.check.interval.seconds': '5',
    }),
    'log.dirs': path.join(directory, 'data'),
    'num.partitions': '1',
    'default.replication.factor': replicas,
    'min.insync.replicas': insync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': insync,
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': insync,
    'group.initial.rebalance.delay.ms': '0',
    // A killed broker may come back as soon as the controller takes it for gone.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
  };
}
