import { NULL, Op, UNCHANGED, type Batch, type Control } from '../../../src/change/batch.ts';
import type { Position } from '../../../src/change/position.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import type { Clock } from '../../../src/clock.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import type { HeldSource, Incarnation } from '../../../src/source/source.ts';
import type { WalSourceSettings } from '../../../src/source/wal/settings.ts';
import { createWalSource } from '../../../src/source/wal/wal-source.ts';
import { setTimeout as sleep } from 'node:timers/promises';

export const clock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};
export const SELF: Incarnation = { daemon: 'daemon', offset: 1, id: 'a' };

export function settings(connection: ConnectionSettings, more: Partial<WalSourceSettings> = {}): WalSourceSettings {
  return {
    connection,
    name: 'test',
    slotName: `slot_${connection.database}`.slice(0, 63),
    publicationName: 'pub',
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
    statusIntervalMs: 1000,
    ...more,
  };
}

export async function open(
  connection: ConnectionSettings,
  more: Partial<WalSourceSettings> = {},
  self: Incarnation = SELF,
  takeOver = false,
): Promise<HeldSource> {
  return await createWalSource(settings(connection, more), clock, () => undefined).open(
    self,
    takeOver,
    new AbortController().signal,
  );
}

/** A row as an object of texts; absent cells say so. */
export type Row = Record<string, string | null>;
export interface Seen {
  readonly op: string;
  readonly table: string;
  readonly before?: Row;
  readonly after?: Row;
  readonly control?: Control;
  readonly version?: number;
  readonly lsn: number;
  readonly commitLsn: number;
}

const NAMES = Object.fromEntries(Object.entries(Op).map(([name, op]) => [op, name]));

/** What a batch says, as objects. */
export function changesOf(batch: Batch): Seen[] {
  return Array.from({ length: batch.length }, (_, i): Seen => {
    const op = batch.op[i] as number;
    const slot = batch.table[i] as number;
    const transaction = batch.transactions[batch.transaction[i] as number];
    const place = { lsn: batch.lsn[i] as number, commitLsn: transaction?.commitLsn ?? Number.NaN };
    if (op === Op.control) return { op: 'control', table: '', control: batch.controls[slot] as Control, ...place };
    const table = batch.tables[slot] as TableSchema;
    const row = (at: number): Row =>
      Object.fromEntries(table.columns.map((column, c) => [column.name, cell(batch, at + c)]));
    const [before, after] = [batch.before[i] as number, batch.after[i] as number];
    return {
      op: NAMES[op] as string,
      table: table.name,
      version: table.version,
      ...place,
      ...(before >= 0 && { before: row(before) }),
      ...(after >= 0 && { after: row(after) }),
    };
  });
}

function cell(batch: Batch, at: number): string | null {
  const [from, to] = [batch.cells[2 * at] as number, batch.cells[2 * at + 1] as number];
  if (to === NULL) return null;
  return to === UNCHANGED ? '<unchanged>' : batch.bytes.toString('utf8', from, to);
}

/** Reads a source in the background and keeps what it says. */
export class Reading implements AsyncDisposable {
  readonly changes: Seen[] = [];
  readonly positions: Position[] = [];
  /** Batches with rows: whether each had a position. */
  readonly batches: { readonly length: number; readonly position: Position | undefined; readonly urgent: boolean }[] =
    [];
  readonly #stop = new AbortController();
  readonly done: Promise<unknown>;
  failure: unknown;

  readonly held: HeldSource;

  constructor(held: HeldSource, from: Position, acknowledge = false) {
    this.held = held;
    this.done = this.#run(from, acknowledge).catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** Rows only, without their places. */
  get rows(): Pick<Seen, 'op' | 'table' | 'before' | 'after'>[] {
    return this.changes
      .filter(({ op }) => op !== 'control')
      .map(({ op, table, before, after }) => ({ op, table, ...(before && { before }), ...(after && { after }) }));
  }

  async until(isEnough: (reading: this) => boolean): Promise<void> {
    await eventually(() => {
      if (this.failure !== undefined) throw this.failure;
      return isEnough(this);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done;
  }

  async #run(from: Position, acknowledge: boolean): Promise<void> {
    for await (const batch of this.held.read(from, this.#stop.signal)) {
      this.changes.push(...changesOf(batch));
      this.batches.push({ length: batch.length, position: batch.position, urgent: batch.urgent });
      if (batch.position === undefined) continue;
      this.positions.push(batch.position);
      if (acknowledge) await this.held.acknowledge(batch.position);
    }
  }
}

/** Polls until the condition holds; throws what it throws. */
export async function eventually(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('It did not happen');
    await sleep(20);
  }
}

/** Creates the slot and takes the whole snapshot. */
export async function createAndCopy(
  held: HeldSource,
): Promise<{ position: Position; changes: Seen[]; batches: number }> {
  const { signal } = new AbortController();
  const position = await held.create(signal);
  const changes: Seen[] = [];
  let batches = 0;
  for await (const batch of held.snapshot(signal)) {
    changes.push(...changesOf(batch));
    batches++;
  }
  return { position, changes, batches };
}
