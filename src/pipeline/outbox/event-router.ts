import { type Batch, type Control, Op } from '../../change/batch.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError, RecordError } from '../../errors.ts';
import { onlyAccepted } from '../accepted-control.ts';
import { type EventColumns, eventColumns, isEmpty, isNull, textOf } from './event-columns.ts';
import { compileEventTopic, type EventTopic } from './event-topic.ts';
import type { OnInvalid, OutboxSettings, TellLeftOut } from './outbox-settings.ts';

/** A row of an outbox on its way to its topic. */
export interface RoutedEvent {
  readonly topic: string;
  /** Its first cell. */
  readonly row: number;
  readonly columns: EventColumns;
  readonly hasValue: boolean;
}

/** Applications choose few topics; should one choose many, what is remembered of them stays bounded (Invariant 9). */
const REMEMBERED_TOPICS = 10_000;

/**
 * Says which changes are events, and where they go, as Debezium's EventRouter does: rows that are inserted or copied are events, deletes are
 * nothing, updates are left out or stop the source. What it is asked for twice it answers twice in the same way.
 */
export class EventRouter {
  readonly #settings: OutboxSettings;
  readonly #tell: TellLeftOut;
  readonly #topicOf: (routedBy: string) => EventTopic;
  readonly #columns = new Map<TableSchema, EventColumns>();
  readonly #topics = new Map<string, EventTopic>();
  readonly #tableTopics = new Set<string>();
  /** What was left out and not told of yet: how many rows, by what is to be said of them. */
  readonly #leftOut = new Map<string, { readonly level: 'warn' | 'error'; rows: number }>();

  constructor(settings: OutboxSettings, tell: TellLeftOut) {
    this.#settings = settings;
    this.#tell = tell;
    this.#topicOf = compileEventTopic(settings);
  }

  isOutbox(table: Pick<TableSchema, 'schema' | 'name'>): boolean {
    return this.#settings.isOutbox(table);
  }

  /** Takes a version of an outbox, before its rows. Throws OperatorError when it lacks a column. */
  announce(table: TableSchema): void {
    this.#columns.set(table, eventColumns(table, this.#settings));
  }

  /** This is the topic of a table: no event may go there. Throws OperatorError when some went there already. */
  reserve(topic: string): void {
    this.#tableTopics.add(topic);
    for (const known of this.#topics.values()) {
      if ('topic' in known && known.topic === topic) {
        throw new OperatorError(`Topic ${topic} has events of an outbox, and it is the one of a captured table too`, {
          advice: 'Say another name in route.topic.replacement of the transform, or do not capture that table.',
        });
      }
    }
  }

  /** What others hear of a control: nothing of outboxes. */
  heard(control: Control): Control | undefined {
    return onlyAccepted(control, (table) => !this.isOutbox(table));
  }

  /** The topics that events of this batch go to. */
  topicsOf(batch: Batch): ReadonlySet<string> {
    const topics = new Set<string>();
    for (let i = 0; i < batch.length; i++) {
      const columns = isEvent(batch.op[i] as Op) && this.#columns.get(tableOf(batch, i));
      if (!columns) continue;
      const found = this.#find(batch, batch.after[i] as number, columns);
      if ('topic' in found) topics.add(found.topic);
    }
    return topics;
  }

  /** The event that change `i` of an outbox is; undefined when it is none. Throws RecordError where that stops the source. */
  eventOf(batch: Batch, i: number): RoutedEvent | undefined {
    const table = tableOf(batch, i);
    const columns = this.#columns.get(table);
    if (columns === undefined) throw new Error(`Version ${table.version} of ${tableName(table)} was not announced`);
    const op = batch.op[i] as Op;
    if (op === Op.delete) return undefined;
    const { onInvalidOp, onInvalidRow, tombstoneOnEmpty } = this.#settings;
    if (!isEvent(op)) return this.#leaveOut(onInvalidOp, batch, i, 'was updated: an outbox takes inserts only');
    const row = batch.after[i] as number;
    const found = this.#find(batch, row, columns);
    if ('problem' in found) {
      return this.#leaveOut(onInvalidRow, batch, i, `has no topic: its ${this.#settings.routeBy} ${found.problem}`);
    }
    const { payload } = columns;
    const hasValue = !isNull(batch, row, payload) && !(tombstoneOnEmpty && isEmpty(batch, row, payload));
    return { topic: found.topic, row, columns, hasValue };
  }

  /** Tells of the rows that were left out since it was asked last. */
  tellLeftOut(): void {
    for (const [what, { level, rows }] of this.#leftOut) {
      this.#tell(level, `left out ${rows} ${rows === 1 ? 'row' : 'rows'}: ${what}`, ADVICE);
    }
    this.#leftOut.clear();
  }

  #find(batch: Batch, row: number, { routeBy }: EventColumns): EventTopic {
    if (isNull(batch, row, routeBy)) return { problem: 'is NULL' };
    const routedBy = textOf(batch, row, routeBy);
    let found = this.#topics.get(routedBy);
    if (found === undefined) {
      found = this.#topicOf(routedBy);
      if (this.#topics.size >= REMEMBERED_TOPICS) this.#topics.clear();
      this.#topics.set(routedBy, found);
    }
    if ('topic' in found && this.#tableTopics.has(found.topic))
      return { problem: 'gives the topic of a captured table' };
    return found;
  }

  #leaveOut(level: OnInvalid, batch: Batch, i: number, what: string): undefined {
    const said = `a row of outbox ${tableName(tableOf(batch, i))} ${what}`;
    if (level === 'fatal') {
      const { xid, commitLsn } = batch.transactions[batch.transaction[i] as number] ?? { xid: 0, commitLsn: 0 };
      const origin = xid === 0 ? 'copied' : `of transaction ${xid}:${commitLsn}`;
      throw new RecordError(`${said.replace('a row', 'A row')} (${origin})`, { advice: ADVICE });
    }
    const known = this.#leftOut.get(said);
    if (known === undefined) this.#leftOut.set(said, { level, rows: 1 });
    else known.rows++;
  }
}

const ADVICE =
  'table.op.invalid.behavior (updates) and table.row.invalid.behavior (rows without topic) of the transform say whether such rows are left out or stop the source.';

function isEvent(op: Op): boolean {
  return op === Op.insert || op === Op.read;
}

function tableOf(batch: Batch, i: number): TableSchema {
  return batch.tables[batch.table[i] as number] as TableSchema;
}
