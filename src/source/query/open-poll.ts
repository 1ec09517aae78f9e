import type pg from 'pg';
import type { Batch } from '../../change/batch.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { failPoint } from '../../failpoint.ts';
import { postgresError } from '../../postgres/errors.ts';
import { keepOnDisk } from '../capture/keep-on-disk.ts';
import type { DeliveredXids } from './delivered.ts';
import type { KeyMemory, LookedAtKeys } from './key-memory.ts';
import type { PollBatches } from './poll-batches.ts';
import { cursorColumns, cursorNowStatement, cursorStatement, keysStatement, rowsStatement } from './poll-sql.ts';
import type { PollSnapshot } from './poll-snapshot.ts';
import type { Cursor, PollState, TableState } from './poll-state.ts';
import type { PolledTable } from './polled-tables.ts';
import { readEachLine, readLines } from './read-lines.ts';
import type { QuerySourceSettings } from './settings.ts';
import { fullXid, windowOf, type XidWindow } from './xid-window.ts';

/** What a poll works with, inside of its transaction. */
export interface PollParts {
  readonly client: pg.ClientBase;
  readonly settings: QuerySourceSettings;
  readonly snapshot: PollSnapshot;
  readonly timeline: number;
  readonly tables: readonly PolledTable[];
  /** What the last poll left; undefined: everything is read. */
  readonly before: PollState | undefined;
  /** Transactions whose rows were sent by this process; absent when that is not known. */
  readonly delivered: DeliveredXids | undefined;
  readonly keys: KeyMemory;
  /** Names (`schema.table`) of tables that are to be read whole. */
  readonly wanted: ReadonlySet<string>;
  /** The tables whose versions the log knows. */
  readonly announced: Set<TableSchema>;
}

/** What one poll does with one table. */
interface TablePlan {
  readonly polled: PolledTable;
  /** Everything is sent, in place of what a replica has. */
  readonly isWhole: boolean;
  /** Keys that were sent and are gone. */
  readonly gone: readonly string[];
  readonly state: TableState;
}

const TAB = 9;

/** One poll: looks at first what is to be read of each table, so that its state is known before its rows are. */
export class OpenPoll {
  readonly #parts: PollParts;
  readonly #plans: readonly TablePlan[];
  readonly #window: XidWindow | undefined;
  /** What the next poll starts from. */
  readonly state: PollState;

  private constructor(parts: PollParts, plans: readonly TablePlan[], window: XidWindow | undefined) {
    this.#parts = parts;
    this.#plans = plans;
    this.#window = window;
    const { timeline, snapshot } = parts;
    const tables = Object.fromEntries(plans.map(({ polled, state }) => [polled.table.relationId, state]));
    this.state = { timeline, xmin: snapshot.xmin, xmax: snapshot.xmax, tables };
  }

  /** Throws OperatorError for a table that cannot be polled in this mode. */
  static async open(parts: PollParts): Promise<OpenPoll> {
    const { before, snapshot, timeline } = parts;
    // Another timeline may lack what was sent, and give its ids to others: everything is read again.
    const window = before?.timeline === timeline ? windowOf(before, snapshot) : undefined;
    const plans: TablePlan[] = [];
    for (const polled of parts.tables) plans.push(await planTable(parts, polled, window));
    failPoint('source.poll-begun');
    return new OpenPoll(parts, plans, window);
  }

  get schemas(): readonly TableSchema[] {
    return this.#plans.map(({ polled }) => polled.table);
  }

  /** All tables as one copy, the first one of a log. What is left in `batches` comes last. */
  async *copy(batches: PollBatches, ready: Batch[], seen: DeliveredXids): AsyncGenerator<Batch> {
    for (const table of this.schemas) this.#announce(batches, table);
    batches.control({ kind: 'snapshot-begin', tables: this.schemas });
    for (const plan of this.#plans) yield* this.#rows(plan, true, { batches, ready, seen });
    batches.control({ kind: 'snapshot-end', tables: this.schemas });
    yield* ready.splice(0);
  }

  /**
   * What has changed, table by table, and tables as a whole where that is not known. Nothing when nothing has. Those are emptied together: a replica
   * that locked them one by one would wait for readers who wait for it. Rows that are gone come before others, those that refer to others before these:
   * others have their unique values by now.
   */
  async *changes(batches: PollBatches, ready: Batch[], seen: DeliveredXids): AsyncGenerator<Batch> {
    const into = { batches, ready, seen };
    const whole = this.#plans.flatMap(({ isWhole, polled }) => (isWhole ? [polled.table] : []));
    for (const table of whole) this.#announce(batches, table);
    if (whole.length > 0) batches.control({ kind: 'snapshot-again', tables: whole });
    for (const { polled, gone } of this.#plans.toReversed()) {
      for (const key of gone) {
        this.#announce(batches, polled.table);
        batches.gone(polled.table, Buffer.from(key, 'utf8'));
        yield* ready.splice(0);
      }
    }
    for (const plan of this.#plans) {
      const { table } = plan.polled;
      yield* this.#rows(plan, plan.isWhole, into);
      if (plan.isWhole) batches.control({ kind: 'snapshot-end', tables: [table] });
      yield* ready.splice(0);
    }
  }

  /** Everything is read and its transaction over: makes sure that the server cannot take back what was seen. */
  async settle(): Promise<void> {
    failPoint('source.poll-read');
    await keepOnDisk(this.#parts.client, this.#parts.snapshot.wal);
    failPoint('source.poll-settled');
  }

  async *#rows(plan: TablePlan, isWhole: boolean, { batches, ready, seen }: Filled): AsyncGenerator<Batch> {
    const { client, snapshot, delivered } = this.#parts;
    const { table, origin } = plan.polled;
    const isTable = origin.kind === 'table';
    const window = isWhole ? undefined : this.#window;
    const now: XidWindow = { from: snapshot.xmin, to: snapshot.xmax };
    const line = (bytes: Buffer, put: (batch: Batch) => void): boolean => {
      let fields = bytes;
      if (isTable) {
        const end = bytes.indexOf(TAB);
        const xmin = Number(bytes.toString('latin1', 0, end < 0 ? bytes.length - 1 : end));
        fields = end < 0 ? bytes.subarray(-1) : bytes.subarray(end + 1);
        const xid = fullXid(xmin, now);
        if (xid !== undefined) seen.add(xid);
        if (window !== undefined) {
          const written = fullXid(xmin, window);
          if (written === undefined || delivered?.has(written) === true) return false;
        }
      }
      this.#announce(batches, table);
      batches.row(table, fields);
      if (ready.length === 0) return false;
      for (const batch of ready.splice(0)) put(batch);
      return true;
    };
    try {
      yield* readLines(client, this.#statement(plan, isWhole), line);
    } catch (error) {
      throw postgresError(error, `Cannot read table ${tableName(table)}`);
    }
  }

  #statement({ polled, state }: TablePlan, isWhole: boolean): string {
    const { table, origin } = polled;
    const { settings, before } = this.#parts;
    if (origin.kind === 'table' || settings.mode === 'bulk')
      return rowsStatement(table, origin, isWhole ? undefined : this.#window);
    const from = isWhole ? {} : (before?.tables[String(table.relationId)]?.cursor ?? {});
    return cursorStatement(table, origin, cursorColumns(settings), from, state.cursor ?? {});
  }

  #announce(batches: PollBatches, table: TableSchema): void {
    const { announced } = this.#parts;
    if (announced.has(table)) return;
    announced.add(table);
    batches.control({ kind: 'table', table });
  }
}

interface Filled {
  readonly batches: PollBatches;
  /** Batches that are full and not handed out. */
  readonly ready: Batch[];
  /** Hears which transactions of the snapshot have rows. */
  readonly seen: DeliveredXids;
}

async function planTable(parts: PollParts, polled: PolledTable, window: XidWindow | undefined): Promise<TablePlan> {
  const { settings, before, wanted } = parts;
  const { table, origin, shape, columns } = polled;
  const known = before?.tables[String(table.relationId)];
  const isKnown = known !== undefined && window !== undefined && polled.continues(known);
  let isWhole = settings.mode === 'bulk' || !isKnown || wanted.has(tableName(table));
  if (settings.mode !== 'bulk' && table.key.length === 0) throw keyless(table, origin.kind);
  let gone: readonly string[] = [];
  let keys: TableState['keys'];
  if (settings.deletes === 'keys' && settings.mode !== 'bulk') {
    const looked = await lookAtKeys(parts, polled);
    ({ keys } = looked);
    if (!isWhole && looked.gone !== undefined) gone = looked.gone;
    else if (keys.count !== known?.keys?.count || keys.digest !== known.keys.digest) isWhole = true;
  }
  const cursor = origin.kind === 'table' ? undefined : settings.mode === 'bulk' ? {} : await cursorNow(parts, polled);
  const last = cursor === undefined || isWhole ? cursor : { ...known?.cursor, ...cursor };
  const state = { shape, columns, ...(keys && { keys }), ...(last && { cursor: last }) };
  return { polled, isWhole, gone: isWhole ? [] : gone, state };
}

async function lookAtKeys({ client, keys }: PollParts, { table, origin }: PolledTable): Promise<LookedAtKeys> {
  const look = keys.look(table.relationId);
  try {
    await readEachLine(client, keysStatement(table, origin), (line) => look.see(line));
  } catch (error) {
    throw postgresError(error, `Cannot read the keys of table ${tableName(table)}`);
  }
  const looked = look.end();
  if (looked.fits) return looked;
  throw new OperatorError(
    `The keys of table ${tableName(table)} are more than may be remembered to find deleted rows`,
    {
      advice: 'Raise delete.detection.memory.bytes, or set delete.detection to none for what is never deleted from.',
    },
  );
}

async function cursorNow({ client, settings }: PollParts, { table, origin }: PolledTable): Promise<Cursor> {
  if (settings.mode === 'xid') {
    throw new OperatorError(`${tableName(table)} is no table: its rows have no transaction ids to be found by`, {
      advice: 'Set mode to bulk, or to timestamp or incrementing with the columns to read it by.',
    });
  }
  try {
    const sql = cursorNowStatement(table, origin, cursorColumns(settings));
    const { rows } = await client.query<{ timestamp: string | null; incrementing: string | null }>(sql);
    const { timestamp = null, incrementing = null } = rows[0] ?? {};
    return { ...(timestamp !== null && { timestamp }), ...(incrementing !== null && { incrementing }) };
  } catch (error) {
    throw postgresError(error, `Cannot look how far ${tableName(table)} can be read`);
  }
}

function keyless(table: TableSchema, kind: PolledTable['origin']['kind']): OperatorError {
  const name = tableName(table);
  if (kind === 'table') {
    return new OperatorError(`Table ${name} has no key: rows that are read again could not be told from new ones`, {
      advice: `Give it a primary key, take it out of the lists, or set mode to bulk, which sends whole tables.`,
    });
  }
  return new OperatorError(
    `The rows of ${name} have no key: those that are read again could not be told from new ones`,
    {
      advice:
        kind === 'view'
          ? `Name its key in key.columns (${name}:column,column), or set mode to bulk.`
          : 'Name columns of the query in query.key.columns, or set mode to bulk.',
    },
  );
}
