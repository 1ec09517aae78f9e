import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { formatLsn } from '../../src/postgres/lsn.ts';
import { type Lane, lookAtSlot, makeSlot } from '../lane.ts';
import type { Measurement, Phase } from '../measurement.ts';
import { CpuMeter } from '../processes.ts';
import type { Backlog, Contestant, Setting } from './contestant.ts';

/** Postgres's own client of a replication stream, which throws everything away: as fast as a stream can be read message by message. */
export class PgRecvlogical implements Contestant {
  readonly name = 'pg_recvlogical';
  readonly phases: readonly Phase[] = ['source'];
  readonly #setting: Setting;
  readonly #program: string;

  constructor(setting: Setting, program: string) {
    this.#setting = setting;
    this.#program = program;
  }

  async open(lane: Lane): Promise<void> {
    await makeSlot(lane);
  }

  /** The whole process counts, also how it connects. */
  async drain(_phase: string, lane: Lane, { changes, endLsn }: Backlog): Promise<Measurement> {
    const { source, name } = lane;
    const connection = ['-h', source.host, '-p', String(source.port), '-U', source.user, '-d', source.database];
    const stream = ['-S', name, '--start', '-f', '/dev/null', '-n', '-F', '0', '-E', formatLsn(endLsn)];
    const plugin = ['-o', 'proto_version=1', '-o', `publication_names=${name}`];
    using meter = new CpuMeter();
    const begun = performance.now();
    const child = spawn(this.#program, [...connection, ...stream, ...plugin], {
      env: { ...process.env, PGPASSWORD: source.password ?? '' },
      stdio: ['ignore', 'ignore', 'pipe'],
      signal: this.#setting.signal,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(child, 'exit');
    meter.add('client', child.pid, true);
    const walsender = (async () => {
      while (child.exitCode === null) {
        const pid = (await lookAtSlot(lane))?.pid;
        if (pid) return meter.add('walsender', pid, true);
      }
    })();
    const [code] = (await ended) as [number | null];
    const seconds = (performance.now() - begun) / 1000;
    await walsender;
    if (code !== 0) throw new Error(`pg_recvlogical ended with ${code}: ${said.trim()}`);
    return { rows: changes, seconds, cpu: meter.seconds() };
  }

  async follow(): Promise<void> {
    throw new Error('pg_recvlogical has no replica');
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
