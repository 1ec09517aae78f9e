import type pg from 'pg';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import type { Position } from '../../../src/change/position.ts';
import { NAMES, type ModelRow } from '../world/rows.ts';
import { type Event, isVisible, type Server, type Snapshot, textOf } from './server.ts';

/** What pg has in its hands while a COPY runs. */
interface Copying {
  submit(wire: { stream: object; query: (sql: string) => void }): void;
  handleCopyData(message: { readonly chunk: Buffer }): void;
  handleReadyForQuery(): void;
}

/** A connection to the model: answers the statements of the sources of polls and triggers, while others go on writing. */
export class Client {
  readonly #server: Server;
  #snapshot: Snapshot | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  /** As those modules of `src/` know it that are driven here. */
  get asClient(): pg.Client {
    return this as unknown as pg.Client;
  }

  /** What the statements of the transaction that is open see. */
  get shown(): Snapshot {
    return (this.#snapshot ??= this.#server.snapshot());
  }

  query(sql: string | Copying, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> | undefined {
    this.#server.live();
    if (typeof sql === 'string') return Promise.resolve({ rows: this.#rows(sql, values) });
    const run = (text: string): void => {
      for (const line of this.#lines(text)) sql.handleCopyData({ chunk: Buffer.from(`${line}\n`) });
      queueMicrotask(() => sql.handleReadyForQuery());
    };
    sql.submit({ stream: { pause: () => {}, resume: () => {}, destroy: () => {} }, query: run });
    return undefined;
  }

  end(): void {
    this.#snapshot = undefined;
  }

  #rows(sql: string, values: readonly unknown[]): unknown[] {
    const server = this.#server;
    if (sql.startsWith('begin;')) server.flush();
    else if (sql.startsWith('begin') || /^(commit|rollback)/.test(sql)) this.end();
    else if (sql.includes('isOnDisk'))
      return [{ isOnDisk: server.isOnDisk(Number(`0x${String(values[0]).split('/')[1]}`)) }];
    else if (sql.includes('isInverted')) return [{ isInverted: false }];
    else if (sql.includes('hasEvents')) {
      const covered = /pg_visible_in_snapshot\(e.xid, '([^']*)'/.exec(sql)?.[1];
      const hasEvents = this.shown.events.some(({ xid }) => covered === undefined || !isVisible(xid, covered));
      return [{ snapshot: textOf(this.shown), wal: formatLsn(this.shown.lsn), hasEvents }];
    } else if (sql.includes('pg_current_wal_insert_lsn')) return [{ lsn: formatLsn(server.lsn) }];
    else if (sql.includes('delete from')) this.#forget(String(values[0]), Number(values[1]), String(values[2]));
    else throw new Error(`The model has no answer to ${sql}`);
    return [];
  }

  #forget(snapshot: string, lastId: number, position: Position): void {
    const isKept = ({ xid, id }: Event): boolean => !isVisible(xid, snapshot) || id > lastId;
    this.#server.write((shown) => ({ ...shown, events: shown.events.filter(isKept), position }));
  }

  #lines(sql: string): string[] {
    const table = NAMES.findIndex((name) => sql.includes(` "public"."${name}"`));
    if (table < 0) return this.#events(sql);
    const rows = [...(this.shown.tables[table] ?? new Map()).values()];
    if (sql.startsWith('copy (select "id" from')) return rows.map(({ row }) => String(row[0]));
    return rows.map(
      ({ row, xid }) => `${xid % 2 ** 32}\t${row.map((cell: string | null) => cell ?? '\\N').join('\t')}`,
    );
  }

  #events(sql: string): string[] {
    const covered = /pg_visible_in_snapshot\(e.xid, '([^']*)'/.exec(sql)?.[1];
    const found = this.shown.events.filter(({ xid }) => covered === undefined || !isVisible(xid, covered));
    const sorted = found.toSorted((a, b) => a.id - b.id);
    return sorted.map(({ id, xid, table, op, old, now }) =>
      [id, xid, 0, table, op, composite(old), composite(now)].join('\t'),
    );
  }
}

function composite(row: ModelRow | undefined): string {
  return row === undefined ? '\\N' : `(${row.map((cell) => cell ?? '').join(',')})`;
}
