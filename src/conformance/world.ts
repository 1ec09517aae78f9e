import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAvroConverter } from '../converter/avro/avro-converter.ts';
import type { Converter, SchemaStore } from '../converter/converter.ts';
import { describeError, TransientError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { noTimes } from '../pipeline/lag.ts';
import { runSink, type SinkLoopOptions } from '../pipeline/sink-loop.ts';
import { starting } from '../pipeline/stage.ts';
import { createPostgresSink } from '../sink/postgres/postgres-sink.ts';
import { compareTable, type Comparison } from '../verify/compare.ts';
import { systemClock } from '../worker/system-clock.ts';
import type { Kill } from './gate.ts';
import { Life } from './life.ts';
import type { Observe } from './mortal-source.ts';
import { eventually } from './patience.ts';
import { type ScratchDatabase, scratchDatabase } from './scratch-database.ts';
import { shopSchema, shopTables } from './shop.ts';
import { Writers } from './writers.ts';
import { ConformanceError, type ConformancePlace, type SourceKit } from './source-kit.ts';

const PATIENCE_MS = 60_000;
const RETRY_MS = 50;
const REPEATED_COMPARISONS = 20;
/** More rows than writers write between a start and a stop. */
const IDS = 1_000_000;

/** How one process of a source is begun. */
export interface Beginning {
  readonly kill?: Kill;
  readonly observe?: Observe;
  /** Holds each publish up until it resolves. */
  readonly beforePublish?: () => Promise<void>;
}

/** A source database with a shop, a log, and a replica of it: what one check has. */
export class World implements AsyncDisposable {
  readonly kit: SourceKit;
  readonly place: ConformancePlace;
  readonly source: ScratchDatabase;
  readonly target: ScratchDatabase;
  /** Name of the connector, of its databases, and prefix of its topics. */
  readonly connector: string;
  readonly #log: Log;
  readonly #converter: Converter;
  readonly #lives: Life[] = [];
  #sink: { readonly ended: Promise<void>; readonly stopping: AbortController } | undefined;
  #sinkFailure: unknown;
  #markers = 0;
  #writers = 0;

  private constructor(
    kit: SourceKit,
    place: ConformancePlace,
    connector: string,
    databases: readonly [ScratchDatabase, ScratchDatabase],
    log: Log,
  ) {
    this.kit = kit;
    this.place = place;
    this.connector = connector;
    [this.source, this.target] = databases;
    this.#log = log;
    const origin = { version: '0', name: connector, database: connector };
    this.#converter = createAvroConverter(memoryStore(), origin, { clock: systemClock });
  }

  static async open(kit: SourceKit, place: ConformancePlace): Promise<World> {
    const connector = `conformance_${randomUUID().slice(0, 8)}`;
    const source = await scratchDatabase(place.source, connector);
    const target = await scratchDatabase(place.replica, `${connector}_replica`);
    await source.query(shopSchema(kit.claims));
    return new World(kit, place, connector, [source, target], await place.openLog());
  }

  get patienceMs(): number {
    return this.place.patienceMs ?? PATIENCE_MS;
  }

  /** The process of the source that was begun last. */
  get life(): Life {
    const life = this.#lives.at(-1);
    if (life === undefined) throw new Error('No process of the source was begun');
    return life;
  }

  async begin({ kill, observe, beforePublish }: Beginning = {}): Promise<Life> {
    const life = await Life.begin({
      kit: this.kit,
      place: { connection: this.source.settings, connector: this.connector, warn: () => {} },
      log: this.#log,
      converter: this.#converter,
      prefix: this.connector,
      number: this.#lives.length + 1,
      kill,
      observe: observe ?? (() => {}),
      beforePublish: beforePublish ?? (async () => {}),
    });
    this.#lives.push(life);
    return life;
  }

  beginSink(): void {
    const stopping = new AbortController();
    this.#sink = { stopping, ended: this.#apply(stopping.signal) };
  }

  async stopSink(): Promise<void> {
    this.#sink?.stopping.abort();
    await this.#sink?.ended;
  }

  /** Lets sessions write until they are stopped. */
  write(sessions: number = 2): Writers {
    return new Writers(this.source, this.kit.claims, ++this.#writers * IDS, sessions);
  }

  /** Waits for something that source and replica bring about together; fails at once when one of them has failed. */
  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const isThere = async (): Promise<boolean> => {
      this.life.assertFit();
      if (this.#sinkFailure !== undefined) {
        throw new ConformanceError(`The replica refused what came: ${describeError(this.#sinkFailure)}`, {
          cause: this.#sinkFailure,
        });
      }
      return await condition();
    };
    const retried = (): string => (this.life.retried ? ` (tried again: ${describeError(this.life.retried)})` : '');
    await eventually(isThere, this.patienceMs, () => `${what}${retried()}`);
  }

  /**
   * Writes a row, waits until the replica shows it, and compares everything: what was committed before has come by then, nothing was lost, nothing
   * came twice. Nobody else may write meanwhile. Returns how many rows are equal.
   */
  async caughtUp(): Promise<number> {
    // A copy that several processes made is of several moments until what was committed meanwhile has come: its row would show too early.
    await this.until(() => this.life.progress.state === 'streaming', 'the end of the copy');
    const id = ++this.#markers;
    await this.source.query(`insert into marker values (${id})`);
    const shown = /* sql */ `select from marker where id = ${id}`;
    const exists = /* sql */ `select to_regclass('public.marker') is not null as exists`;
    await this.until(async () => {
      const [row] = await this.target.query<{ exists: boolean }>(exists);
      return row?.exists === true && (await this.target.query(shown)).length > 0;
    }, `row ${id} of the marker in the replica`);
    let rows = 0;
    for (const name of shopTables(this.kit.claims)) {
      const compared = await this.#compared(name);
      const { difference } = compared;
      if (difference !== undefined) {
        const columns = difference.columns.length > 0 ? ` (${difference.columns.join(', ')})` : '';
        throw new ConformanceError(`Table ${name} differs in row ${difference.row}: ${difference.what}${columns}`);
      }
      rows += compared.rows;
    }
    return rows;
  }

  /** Who copies a table again and again has it emptied by TRUNCATE, which also snapshots see that are older: then it is compared again. */
  async #compared(name: string): Promise<Comparison> {
    for (let left = this.kit.claims.repeats ? REPEATED_COMPARISONS : 1; ; left--) {
      const compared = await compareTable(this.source.client, this.target.client, { schema: 'public', name });
      if (compared.difference === undefined || left <= 1) return compared;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const life of this.#lives) await life[Symbol.asyncDispose]();
    await this.stopSink();
    await this.#log[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
  }

  async #apply(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#applyOnce(signal);
      } catch (error) {
        if (!(error instanceof TransientError)) {
          this.#sinkFailure = error;
          return;
        }
        await sleep(RETRY_MS);
      }
    }
  }

  async #applyOnce(signal: AbortSignal): Promise<void> {
    const { connector } = this;
    const settings = { connection: this.target.settings, name: 'replica', prefix: connector };
    await using sink = createPostgresSink(settings, () => {});
    const progress: SinkLoopOptions['progress'] = {
      state: 'starting',
      stage: starting(0),
      applied: undefined,
      ...noTimes(),
    };
    const options: SinkLoopOptions = {
      sink,
      log: this.#log,
      converter: this.#converter,
      clock: systemClock,
      name: 'replica',
      prefix: connector,
      filter: { topics: [], topicsRegex: [] },
      fetchBytes: 4 * 1024 * 1024,
      chunkBytes: 1024 * 1024,
      groupRecords: 10_000,
      progress,
    };
    await runSink(options, signal);
  }
}

/** Schemas by the order in which they came. */
function memoryStore(): SchemaStore {
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
