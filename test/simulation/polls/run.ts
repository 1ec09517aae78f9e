import { type Batch, NULL, Op } from '../../../src/change/batch.ts';
import type { Position } from '../../../src/change/position.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { DeliveredXids } from '../../../src/source/query/delivered.ts';
import { KeyMemory } from '../../../src/source/query/key-memory.ts';
import { OpenPoll } from '../../../src/source/query/open-poll.ts';
import { PollBatches } from '../../../src/source/query/poll-batches.ts';
import { fromPosition, type PollState, toPosition } from '../../../src/source/query/poll-state.ts';
import type { QuerySourceSettings } from '../../../src/source/query/settings.ts';
import { isFirstEpoch, isQuiet } from '../../../src/source/query/xid-window.ts';
import { Consumed } from '../../../src/source/trigger/consumed.ts';
import type { TriggerNames } from '../../../src/source/trigger/names.ts';
import { formatPosition, leadingLsn } from '../../../src/source/trigger/position.ts';
import { Reading, type ReadingParts } from '../../../src/source/trigger/reading.ts';
import { Random } from '../../../src/torture/random.ts';
import { type ModelRow, modelTable } from '../world/rows.ts';
import { Client } from './client.ts';
import { Server, type Shown, type Snapshot, TABLES, textOf } from './server.ts';

const ROUNDS = 14;
const SCHEMAS: readonly TableSchema[] = Array.from({ length: TABLES }, (_, table) => modelTable(table, table + 1));
const SETTINGS = { mode: 'xid', deletes: 'keys', keyMemoryBytes: 1e6 } as unknown as QuerySourceSettings;
const NAMES = { events: 'events', reader: 'reader', shapes: 'shapes', keep: 'keep' } as unknown as TriggerNames;

/** What a replica has that applies whole intervals only: by table and key, the other cells of the row. */
type Replica = Map<string, string>[];

/**
 * A source that polls, or reads what triggers have captured, killed at any time, on a server that crashes: behind each checkpoint the replica must have exactly what the
 * snapshot of it has shown. Returns what went wrong.
 */
export async function simulatePolls(seed: number, count: (what: string) => void): Promise<string | undefined> {
  const random = new Random(seed);
  return seed % 2 === 0 ? await new Polls(random, count).run() : await new Triggers(random, count).run();
}

abstract class Rounds {
  protected readonly random: Random;
  protected readonly count: (what: string) => void;
  protected readonly server: Server;
  protected readonly client: Client;
  /** What the log has: where the last interval ends, and what the replica has of it. */
  protected position: Position | undefined;
  protected replica: Replica = SCHEMAS.map(() => new Map());

  constructor(random: Random, count: (what: string) => void) {
    this.random = random;
    this.count = count;
    this.server = new Server(random);
    this.client = new Client(this.server);
  }

  async run(): Promise<string | undefined> {
    this.start();
    for (let round = 0; round < ROUNDS; round++) {
      this.server.rest(this.random.chance(0.3));
      this.server.live();
      if (this.random.chance(0.1)) {
        this.count('polled server crashed');
        this.server.crash();
        this.restart();
      } else if (this.random.chance(0.15)) this.restart();
      const wrong = await this.round();
      this.client.end();
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  }

  protected restart(): undefined {
    this.count('polling source killed');
    this.start();
  }

  /** A fresh process: it knows what the log says. */
  protected abstract start(): void;

  protected abstract round(): Promise<string | undefined>;

  /** The interval is stored, unless the source is killed before. */
  protected stored(position: Position, batches: readonly Batch[], shown: Shown): string | undefined {
    if (this.position !== undefined && position <= this.position)
      return `position ${position} follows ${this.position}`;
    const replica = this.replica.map((rows) => new Map(rows));
    for (const batch of batches) {
      const wrong = apply(replica, batch);
      if (wrong !== undefined) return wrong;
    }
    const is = show(replica);
    const must = show(replicaOf(shown));
    if (is !== must) return `at ${position} the replica has ${is} instead of ${must}`;
    this.replica = replica;
    this.position = position;
    return undefined;
  }
}

/** A query source: its polls as they are in `src/`. */
class Polls extends Rounds {
  #keys = new KeyMemory(1e6);
  #delivered: DeliveredXids | undefined;
  #announced = new Set<TableSchema>();
  /** Where this process goes on: it may have seen more than it had to tell. */
  #place = fromPosition('0000000000000000');

  protected start(): void {
    this.#keys = new KeyMemory(1e6);
    this.#delivered = undefined;
    this.#announced = new Set();
    this.#place = fromPosition(this.position ?? '0000000000000000');
  }

  protected async round(): Promise<string | undefined> {
    const { number, state: before } = this.#place;
    const { shown } = this.client;
    if (before !== undefined && this.#delivered !== undefined && isQuiet(before, shown)) {
      this.count('quiet poll');
      return this.stored(toPosition(number + 1, before), [], shown) ?? this.#goOn(number + 1, before);
    }
    const poll = await OpenPoll.open({
      client: this.client.asClient,
      settings: SETTINGS,
      snapshot: { xmin: shown.xmin, xmax: shown.xmax, timeUs: 0, names: [], wal: `0/${shown.lsn.toString(16)}` },
      timeline: 1,
      tables: SCHEMAS.map((table) => ({
        table,
        origin: { kind: 'table', isPartitioned: false } as const,
        shape: 's',
        columns: 3,
        continues: () => true,
      })),
      before,
      delivered: isFirstEpoch(shown) ? this.#delivered : undefined,
      keys: this.#keys,
      wanted: new Set(this.random.chance(0.1) ? ['public.orders'] : []),
      announced: this.#announced,
    });
    const ready: Batch[] = [];
    const batches = new PollBatches({ xid: 0, commitLsn: 0, commitTimeUs: 0 }, 200, (batch) => ready.push(batch));
    const seen = new DeliveredXids(poll.state.xmin);
    const all: Batch[] = [];
    for await (const batch of poll.changes(batches, ready, seen)) all.push(batch);
    if (this.random.chance(0.1)) return this.restart();
    await poll.settle();
    this.#delivered = seen;
    this.count('poll');
    if (batches.count === 0) return void (this.#place = { number, state: poll.state });
    const wrong = this.stored(toPosition(number + 1, poll.state), [...all, batches.last()], shown);
    return wrong ?? this.#goOn(number + 1, poll.state);
  }

  #goOn(number: number, state: PollState): undefined {
    this.#place = { number, state };
  }
}

/** A trigger source: its readings, positions and what it forgets, as they are in `src/`. */
class Triggers extends Rounds {
  #parts: ReadingParts = this.#newParts();
  #consumed: Consumed | undefined;

  protected start(): void {
    this.#parts = this.#newParts();
    this.#consumed = undefined;
  }

  protected async round(): Promise<string | undefined> {
    const client = this.client.asClient;
    if (this.position === undefined) return this.#copy();
    this.#consumed ??= await this.#goOn(this.position);
    const reading = await Reading.begin(this.#parts, client, this.position);
    const { shown } = this.client;
    const seen = this.server.history.findLast(({ lsn }) => lsn <= leadingLsn(reading.position));
    if (seen !== undefined && seen.shown.commits > shown.commits)
      return `${reading.position} is beyond what its snapshot shows`;
    if (reading.isEmpty) {
      await reading.end();
      return;
    }
    const all: Batch[] = [];
    for await (const batch of reading.batches([], 0)) all.push(batch);
    await reading.end();
    if (this.random.chance(0.1)) return this.restart();
    await reading.settle();
    this.count('reading of events');
    this.#consumed.handedOut(reading.position, reading.lastId);
    const wrong = this.stored(reading.position, all, shown);
    if (wrong !== undefined || this.random.chance(0.1)) return wrong ?? this.restart();
    await this.#consumed.acknowledged(reading.position);
    return undefined;
  }

  /** The first copy: what a snapshot shows, on disk. */
  #copy(): string | undefined {
    const lsn = this.server.lsn;
    const shown: Snapshot = this.client.shown;
    this.server.flush();
    this.replica = replicaOf(shown);
    this.position = formatPosition({ lsn, count: 0, snapshot: textOf(shown) });
    return undefined;
  }

  async #goOn(position: Position): Promise<Consumed> {
    const consumed = new Consumed(this.client.asClient, NAMES, this.server.snapshot().position, 0);
    await consumed.goOn(position);
    this.client.end();
    return consumed;
  }

  #newParts(): ReadingParts {
    const book = {
      announced: new Set<TableSchema>(),
      load: async () => {},
      layoutOf: (shape: number) => ({
        table: SCHEMAS[shape] as TableSchema,
        isCaptured: true,
        cells: Int32Array.from([0, 1, 2]),
      }),
    };
    return { names: NAMES, book, filter: undefined, maxBatchBytes: 200 } as unknown as ReadingParts;
  }
}

function replicaOf({ tables }: Shown): Replica {
  return tables.map((rows) => new Map([...rows].map(([key, { row }]) => [key, cellsOf(row)])));
}

function cellsOf(row: ModelRow): string {
  return row.slice(1).join('/');
}

function show(replica: Replica): string {
  const line = (rows: ReadonlyMap<string, string>): string =>
    [...rows]
      .map((row) => row.join('='))
      .toSorted((a, b) => (a < b ? -1 : 1))
      .join(' ');
  return replica.map(line).join(' | ');
}

function apply(replica: Replica, batch: Batch): string | undefined {
  for (let i = 0; i < batch.length; i++) {
    const slot = batch.table[i] as number;
    if (batch.op[i] === Op.control) {
      const control = batch.controls[slot];
      if (control?.kind === 'snapshot-again') for (const table of control.tables) replica[placeOf(table)]?.clear();
      continue;
    }
    const rows = replica[placeOf(batch.tables[slot])] as Map<string, string>;
    const before = rowAt(batch, batch.before[i] as number);
    const after = rowAt(batch, batch.after[i] as number);
    const key = (after ?? before)?.[0] as string;
    const isThere = rows.has(key);
    const op = batch.op[i] as Op;
    if (op === Op.insert ? isThere : op !== Op.read && !isThere)
      return `change ${op} of ${key} meets ${isThere ? 'a row' : 'none'}`;
    if (after === undefined) rows.delete(key);
    else rows.set(key, cellsOf(after));
  }
  return undefined;
}

function placeOf(table: TableSchema | undefined): number {
  return SCHEMAS.findIndex(({ relationId }) => relationId === table?.relationId);
}

function rowAt(batch: Batch, first: number): (string | null)[] | undefined {
  if (first < 0) return undefined;
  return [0, 1, 2].map((column) => {
    const [start, end] = [batch.cells[2 * (first + column)] as number, batch.cells[2 * (first + column) + 1] as number];
    return end === NULL ? null : batch.bytes.toString('latin1', start, end);
  });
}
