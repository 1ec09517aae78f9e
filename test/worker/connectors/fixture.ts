import type { ConnectorFile, ReadFile } from '../../../src/connector/load-file.ts';
import { parseConnector } from '../../support/connector.ts';
import type { LogFields, Logger } from '../../../src/observe/logger.ts';
import { starting } from '../../../src/pipeline/stage.ts';
import { noCommits } from '../../../src/worker/counting-sink.ts';
import { type ConnectorState, type ConnectorStatus, NO_FAILURES } from '../../../src/worker/status.ts';
import type { RunningTask, TaskPool } from '../../../src/worker/task-pool.ts';

/** A sink's file; `bytes` is a setting to change. */
export function sink(file: string, name: string, bytes: number = 1_000_000, more: object = {}): ConnectorFile {
  const config = {
    'connector.class': 'PostgresSink',
    'connection.url': 'postgres://r@localhost/replica',
    'topic.prefix': 'shop',
    'max.fetch.bytes': String(bytes),
    ...more,
  };
  return parseConnector(file, JSON.stringify({ name, config }), {});
}

/** A source's file. */
export function source(
  file: string,
  name: string,
  slot: string,
  hostname: string = 'localhost',
  prefix: string = 'shop',
): ConnectorFile {
  const config = {
    'connector.class': 'PostgresWalSource',
    'database.hostname': hostname,
    'database.user': 'u',
    'database.dbname': 'shop',
    'topic.prefix': prefix,
    'slot.name': slot,
  };
  return parseConnector(file, JSON.stringify({ name, config }), {});
}

export function valid(connector: ConnectorFile): ReadFile {
  return { file: connector.file, connector };
}

export function invalid(file: string, problem: string = 'is not JSON', name?: string): ReadFile {
  return { file, problems: [problem], ...(name === undefined ? {} : { name }) };
}

/** What was logged, as one text per line. */
export class ToldLogger implements Logger {
  readonly lines: string[] = [];
  debug(): void {}
  info(fact: string, fields: LogFields = {}): void {
    this.lines.push(`info ${fact} ${JSON.stringify(fields)}`);
  }
  warn(fact: string, fields: LogFields = {}): void {
    this.lines.push(`warn ${fact} ${JSON.stringify(fields)}`);
  }
  error(fact: string, fields: LogFields = {}): void {
    this.lines.push(`error ${fact} ${JSON.stringify(fields)}`);
  }
}

interface FakeTask {
  readonly connector: ConnectorFile;
  readonly takeOver: boolean;
  state: ConnectorState;
  end: () => void;
}

/** A pool whose tasks do nothing; it fails when two of one name run at once. `stopping` is how long a stop takes. */
export class FakePool implements Pick<TaskPool, 'start'> {
  readonly running: Map<string, FakeTask> = new Map();
  /** Every start, by name and bytes. */
  readonly starts: string[] = [];
  readonly broken: string[] = [];
  /** Whether tasks make the claim that they are told to make. */
  claims = true;
  stopping: (name: string) => Promise<void> = async () => {};

  start(connector: ConnectorFile, { takeOver }: { readonly takeOver: boolean }): RunningTask {
    const { name } = connector;
    if (this.running.has(name)) this.broken.push(`${name} runs twice`);
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const task: FakeTask = { connector, takeOver, state: 'streaming', end };
    this.running.set(name, task);
    this.starts.push(`${name} ${connector.kind === 'PostgresSink' ? connector.config.maxFetchBytes : ''}`.trim());
    const stop = async (): Promise<void> => {
      await this.stopping(name);
      if (this.running.get(name) === task) this.running.delete(name);
      task.state = 'stopped';
      end();
    };
    let stopped: Promise<void> | undefined;
    return {
      status: (): ConnectorStatus => ({
        kind: 'sink',
        name,
        state: task.state,
        stage: starting(0),
        failure: undefined,
        failures: NO_FAILURES,
        counts: noCommits(),
        lagMs: undefined,
      }),
      takesOver: () => takeOver && !this.claims,
      ask: async () => {},
      ended,
      stop: () => (stopped ??= stop()),
    };
  }

  /** The bytes setting of everything that runs, by name. */
  get what(): Record<string, number> {
    const entries = [...this.running].map(([name, { connector }]): [string, number] => [
      name,
      connector.kind === 'PostgresSink' ? connector.config.maxFetchBytes : 0,
    ]);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
