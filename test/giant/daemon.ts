import { join } from 'node:path';
import { freePort } from '../../src/servers/free-port.ts';
import { type Run, Service } from '../../src/torture/service.ts';
import type { PeakMemory } from './memory.ts';
import { type Servers, writeConnectors } from './servers.ts';

export interface DaemonOptions {
  /** The service's compiled main.js. */
  readonly main: string;
  /** A folder for its state, its connector files and what it says. */
  readonly directory: string;
  readonly partitions: number;
  readonly memory: PeakMemory;
}

/** The daemon under test, as a user starts it; its memory is watched from its first moment on. */
export class Daemon implements AsyncDisposable {
  readonly #service: Service;
  readonly #port: number;
  readonly #memory: PeakMemory;
  #run: Run | undefined;

  private constructor(service: Service, port: number, memory: PeakMemory) {
    this.#service = service;
    this.#port = port;
    this.#memory = memory;
  }

  static async make({ main, directory, partitions, memory }: DaemonOptions, servers: Servers): Promise<Daemon> {
    const connectors = join(directory, 'connectors');
    const env = { ...process.env, ...(await writeConnectors(connectors, servers, partitions)) };
    const port = await freePort();
    const kafka = servers.kafka ? ['--bootstrap-servers', servers.kafka.bootstrap] : [];
    const state = ['--state', join(directory, 'state'), '--listeners', `http://127.0.0.1:${port}`];
    const args = ['start', '--connectors', connectors, ...state, ...kafka];
    return new Daemon(new Service({ main, args, env, logFile: join(directory, 'service.txt') }), port, memory);
  }

  start(signal: AbortSignal): void {
    const run = this.#service.start();
    this.#run = run;
    if (run.pid !== undefined) void this.#memory.watch(run.pid, signal);
  }

  /** SIGKILL, as a crash or a container's limit would. */
  async kill(): Promise<void> {
    this.#run?.kill('SIGKILL');
    await this.#run?.exited;
  }

  /** Throws when it has ended or given up: waiting any longer is no use. */
  assertAlive(): void {
    if (this.#memory.isExceeded) throw new Error('The daemon went beyond its memory and was killed');
    if (this.#run?.gaveUp !== undefined) throw new Error(`A connector gave up: ${this.#run.gaveUp}`);
    if (this.#run?.exit !== undefined) throw new Error(`The daemon ended by itself: ${this.#run.lastWords}`);
  }

  /** The sum of a metric's samples; undefined while nobody answers, or when there is none. */
  async metric(name: string): Promise<number | undefined> {
    const page = await fetch(`http://127.0.0.1:${this.#port}/metrics`).then(
      (response) => (response.ok ? response.text() : undefined),
      () => undefined, // not yet up
    );
    const samples = page?.split('\n').filter((line) => line.startsWith(`${name}{`)) ?? [];
    return samples.length === 0 ? undefined : samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
  }
}
