import { starting } from '../../src/pipeline/stage.ts';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Batch } from '../../src/change/batch.ts';
import { type CopyRequests, type CopySignal, NO_REQUESTS } from '../../src/change/copy-request.ts';
import { createAvroConverter } from '../../src/converter/avro/avro-converter.ts';
import { DEFAULT_MODES, type FieldModes } from '../../src/converter/avro/modes.ts';
import type { SchemaStore } from '../../src/converter/converter.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { TransientError } from '../../src/errors.ts';
import type { HearSignal } from '../../src/change/signal.ts';
import type { Log } from '../../src/log/log.ts';
import { noTimes } from '../../src/pipeline/lag.ts';
import { runSink, type SinkLoopOptions } from '../../src/pipeline/sink-loop.ts';
import { runSource, type SourceLoopOptions } from '../../src/pipeline/source-loop.ts';
import { supervise } from '../../src/pipeline/supervise.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { lsnToPosition, parseLsn } from '../../src/postgres/lsn.ts';
import { createPostgresSink } from '../../src/sink/postgres/postgres-sink.ts';
import type { Sink } from '../../src/sink/sink.ts';
import type { PostgresSinkSettings } from '../../src/sink/postgres/settings.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import type { HeldSource, Source } from '../../src/source/source.ts';
import { createWalSource } from '../../src/source/wal/wal-source.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { systemClock } from '../../src/worker/system-clock.ts';

/** Schemas in memory: what the built-in registry keeps in the log is tested elsewhere. */
export function memoryStore(): SchemaStore {
  const schemas: string[] = [];
  return {
    async register(_subject, schema) {
      const known = schemas.indexOf(schema);
      return known < 0 ? schemas.push(schema) : known + 1;
    },
    async byId(id) {
      return schemas[id - 1] as string;
    },
  };
}

export interface ReplicationOptions {
  readonly source: ConnectionSettings;
  readonly target: ConnectionSettings;
  readonly wal?: Partial<WalSourceSettings>;
  readonly sink?: Partial<PostgresSinkSettings>;
  /** What captures, when it is not a WAL source. */
  readonly capture?: (connection: ConnectionSettings, warn: (message: string) => void) => Source;
  /** How the source loop differs from the usual one. */
  readonly loop?: Partial<SourceLoopOptions>;
  /** Carries out the signals of a table. */
  readonly hear?: HearSignal;
  readonly daemon?: string;
  /** How the source writes values; the defaults when absent. */
  readonly modes?: Partial<FieldModes>;
  readonly partitions?: number;
  /** Of the topics; `shop` when absent. */
  readonly prefix?: string;
  /** The tables that the sink replays; all when absent. */
  readonly tables?: readonly string[];
  /** The log between the two; an embedded one in a temporary directory when absent. */
  readonly log?: Log;
  /** Where schemas are; in memory when absent. Read again at each start. */
  readonly store?: () => SchemaStore;
  /** What stands in place of the sink: the fuzzer plants bugs here. */
  readonly replaceSink?: (sink: Sink) => Sink;
  /** After how long a task that a person is waited for looks again; a failure ends it when absent. */
  readonly resumeMs?: number;
}

/** A task that runs until it is stopped; `failure` is what ended it before. */
export interface Running {
  readonly ended: Promise<void>;
  failure: unknown;
  stop(): Promise<void>;
}

/** Both loops over one embedded log and two real databases, each under its supervisor. */
export class Replication implements AsyncDisposable {
  readonly #options: ReplicationOptions;
  readonly #directory: string;
  readonly #prefix: string;
  readonly #store = memoryStore();
  readonly #tasks: Running[] = [];
  #held: HeldSource | undefined;
  /** Copies while streaming, as the last batch said. */
  requests: CopyRequests = NO_REQUESTS;
  log: Log;
  readonly warnings: string[] = [];
  /** Why a task was tried again last. */
  lastRetry: unknown;
  /** What a person was last asked to cure, or what ended a task. */
  lastFailure: unknown;
  readonly sourceProgress: SourceLoopOptions['progress'] = {
    state: 'starting',
    stage: starting(0),
    changes: 0,
    records: 0,
    bytes: 0,
    checkpoints: 0,
    position: undefined,
    committedAt: 0,
  };
  readonly sinkProgress: SinkLoopOptions['progress'] = {
    state: 'starting',
    stage: starting(0),
    applied: undefined,
    ...noTimes(),
  };
  memory: SourceLoopOptions['memory'] = { incarnation: undefined, stored: undefined, takeOver: false };

  private constructor(options: ReplicationOptions, directory: string, log: Log) {
    this.#options = options;
    this.#directory = directory;
    this.#prefix = options.prefix ?? 'shop';
    this.log = log;
  }

  static async open(options: ReplicationOptions): Promise<Replication> {
    const directory = await mkdtemp(join(tmpdir(), 'rowcast-replication-'));
    return new Replication(options, directory, options.log ?? (await openEmbeddedLog(directory)));
  }

  startSource(
    daemon: string = this.#options.daemon ?? 'one',
    memory: SourceLoopOptions['memory'] = this.memory,
    source: ConnectionSettings = this.#options.source,
  ): Running {
    const { wal, partitions, modes } = this.#options;
    const settings: WalSourceSettings = {
      connection: source,
      name: this.#prefix,
      slotName: `slot_${source.database}`,
      publicationName: `pub_${source.database}`,
      publicationAutocreateMode: 'filtered',
      schemaInclude: [],
      schemaExclude: [],
      tableInclude: [],
      tableExclude: [],
      columnInclude: [],
      columnExclude: [],
      snapshotMode: 'initial',
      snapshotThreads: 1,
      snapshotChunkBytes: 16 * 1024 * 1024,
      maxBatchBytes: 1024 * 1024,
      statusIntervalMs: 1_000,
      ...wal,
    };
    const origin = { version: '0', name: this.#prefix, database: source.database };
    const warn = (message: string): void => void this.warnings.push(message);
    const options: SourceLoopOptions = {
      source: this.#heldBy(
        this.#options.capture?.(source, warn) ?? createWalSource(settings, systemClock, warn, this.#options.hear),
      ),
      log: this.log,
      converter: createAvroConverter(this.#options.store?.() ?? this.#store, origin, {
        clock: systemClock,
        modes: { ...DEFAULT_MODES, ...modes },
      }),
      clock: systemClock,
      random: randomUUID,
      prefix: this.#prefix,
      daemon,
      topics: { partitions: partitions ?? 1, config: {} },
      tombstones: true,
      recordBatchBytes: 1_000_000,
      memory,
      progress: this.sourceProgress,
      ...this.#options.loop,
    };
    return this.#run((signal) => runSource(options, signal));
  }

  startSink(): Running {
    const { target, sink, tables } = this.#options;
    const settings: PostgresSinkSettings = { connection: target, name: 'replica', prefix: this.#prefix, ...sink };
    const origin = { version: '0', name: this.#prefix, database: target.database };
    return this.#run(async (signal) => {
      const created = createPostgresSink(settings, (message) => this.warnings.push(message));
      await using postgres = this.#options.replaceSink?.(created) ?? created;
      const options: SinkLoopOptions = {
        sink: postgres,
        log: this.log,
        converter: createAvroConverter(this.#options.store?.() ?? this.#store, origin, { clock: systemClock }),
        clock: systemClock,
        name: 'replica',
        prefix: this.#prefix,
        filter: { topics: (tables ?? []).map((name) => `${this.#prefix}.public.${name}`), topicsRegex: [] },
        fetchBytes: 4 * 1024 * 1024,
        chunkBytes: 1024 * 1024,
        groupRecords: 10_000,
        progress: this.sinkProgress,
      };
      await runSink(options, signal);
    });
  }

  /** A task that has failed is not what is waited for any more: an operator has acted. */
  resume(failed: Running): void {
    this.#tasks.splice(this.#tasks.indexOf(failed), 1);
  }

  /** Lets the log have the states of the sequences; a run of the source that ends first leaves them to the next one. */
  async syncSequences(): Promise<void> {
    await this.#held?.syncSequences(AbortSignal.timeout(30_000)).catch((error: unknown) => {
      if (!(error instanceof TransientError)) throw error;
    });
  }

  /** Asks the running source for copies, again while it does not stream yet. */
  async signal(signal: CopySignal): Promise<void> {
    await eventually(async () => {
      try {
        await this.#held?.signal(signal);
        return this.#held !== undefined;
      } catch (error) {
        if (error instanceof TransientError) return false;
        throw error;
      }
    }, `signal ${signal.id} to be stored`);
  }

  /** Waits until nothing is copied any more, and the replica shows what the source has committed by then. */
  async copied(): Promise<void> {
    await eventually(() => {
      for (const { failure } of this.#tasks) if (failure !== undefined) throw failure;
      return this.requests.tables.length === 0;
    }, 'the copies to end');
    await this.settled();
  }

  /** Waits until the replica shows what the source has committed by now, every table whole. Fails at once when a task has failed. */
  async settled(): Promise<void> {
    await this.#reached((partial) => partial.length === 0);
  }

  /** As `settled`, though tables may lack rows until they are copied. */
  async reached(): Promise<void> {
    await this.#reached(() => true);
  }

  async #reached(isEnough: (partial: readonly string[]) => boolean): Promise<void> {
    const client = await connect(this.#options.source, 'rowcast test');
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
    await client.end();
    const goal = lsnToPosition(parseLsn((rows[0] as { lsn: string }).lsn));
    const there = (): SinkLoopOptions['progress']['applied'] => this.sinkProgress.applied;
    await eventually(
      () => {
        for (const { failure } of this.#tasks) if (failure !== undefined) throw failure;
        const { position = '', consistent = false, partial = [] } = there() ?? {};
        return position >= goal && consistent && isEnough(partial);
      },
      () =>
        `the replica to reach ${goal}: it is at ${there()?.position} and lacks rows of ${there()?.partial?.join() ?? 'no table'}`,
    );
  }

  /** Compares tables of schema public by content and returns how many rows are equal. */
  async expectEqual(...tables: readonly string[]): Promise<number> {
    const [source, target] = await Promise.all([
      connect(this.#options.source, 'rowcast test'),
      connect(this.#options.target, 'rowcast test'),
    ]);
    try {
      let rows = 0;
      for (const name of tables) {
        const comparison = await compareTable(source, target, { schema: 'public', name });
        expect(comparison.difference, `table ${name}`).toBeUndefined();
        rows += comparison.rows;
      }
      return rows;
    } finally {
      await Promise.all([source.end(), target.end()]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.stop()));
    await this.log[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #heldBy(source: Source): Source {
    return {
      open: async (...args) => {
        const held = await source.open(...args);
        this.#held = held;
        const read = held.read.bind(held);
        const tap = (batch: Batch): Batch => {
          this.requests = batch.requests ?? this.requests;
          return batch;
        };
        held.read = async function* (...given) {
          for await (const batch of read(...given)) yield tap(batch);
        };
        return held;
      },
    };
  }

  #run(task: (signal: AbortSignal) => Promise<void>): Running {
    const controller = new AbortController();
    const running: Running = {
      failure: undefined,
      ended: supervise(
        task,
        {
          clock: systemClock,
          jitter: Math.random,
          resumeMs: this.#options.resumeMs,
          onState: (state) => {
            if (state.kind === 'retrying') this.lastRetry = state.error;
            if (state.kind === 'failed') this.lastFailure = state.error;
          },
        },
        controller.signal,
      ).catch((error: unknown) => {
        running.failure = error;
      }),
      stop: async () => {
        controller.abort();
        await running.ended;
      },
    };
    this.#tasks.push(running);
    return running;
  }
}

/** Polls until `condition` holds; fails after half a minute, naming what was waited for. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
): Promise<void> {
  for (let i = 0; i < 4_000; i++) {
    if (await condition()) return;
    await sleep(20);
  }
  throw new Error(`Waited in vain for ${typeof what === 'string' ? what : what()}`);
}
