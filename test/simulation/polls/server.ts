import type { Random } from '../../../src/torture/random.ts';
import type { ModelRow } from '../world/rows.ts';

/** A row version that is committed, and the transaction that wrote it. */
export interface Version {
  readonly row: ModelRow;
  readonly xid: number;
}

/** What triggers have written down of one change. */
export interface Event {
  readonly id: number;
  readonly xid: number;
  readonly table: number;
  readonly op: 'i' | 'u' | 'd' | 't';
  readonly old: ModelRow | undefined;
  readonly now: ModelRow | undefined;
}

/** All that a snapshot shows. Never changed in place. */
export interface Shown {
  readonly tables: readonly ReadonlyMap<string, Version>[];
  readonly events: readonly Event[];
  readonly position: string | undefined;
  /** How many transactions had committed. */
  readonly commits: number;
}

export interface Snapshot extends Shown {
  readonly xmin: number;
  readonly xmax: number;
  readonly running: readonly number[];
  readonly lsn: number;
}

type Write = (before: Shown) => Shown;

const KEYS = 8;
const EPOCH = 2 ** 32;
export const TABLES = 2;
const NOTHING: Shown = {
  tables: Array.from({ length: TABLES }, () => new Map<string, Version>()),
  events: [],
  position: undefined,
  commits: 0,
};

/**
 * A server with transactions that overlap, end in any order or are rolled back. Some commits are on disk only later: a crash takes them back, and gives their
 * ids to others.
 */
export class Server {
  readonly #random: Random;
  readonly #running = new Map<number, { readonly keys: Set<string>; readonly writes: Write[] }>();
  #committed: Shown = NOTHING;
  #onDisk: { readonly shown: Shown; readonly next: number; readonly lsn: number };
  #next: number;
  #lastEvent = 0;
  #serial = 0;
  #isResting = false;
  lsn = 1000;
  /** Every state, with the end of the commit that led to it. */
  readonly history: { readonly lsn: number; readonly shown: Shown }[] = [];

  constructor(random: Random) {
    this.#random = random;
    this.#next = random.pick([700, 700, EPOCH - 60, EPOCH + 5]);
    this.#onDisk = { shown: NOTHING, next: this.#next, lsn: this.lsn };
    for (let i = 0; i < 10; i++) this.live();
  }

  snapshot(): Snapshot {
    const running = [...this.#running.keys()].sort((a, b) => a - b);
    return { ...this.#committed, xmin: running[0] ?? this.#next, xmax: this.#next, running, lsn: this.lsn };
  }

  /** For a while nothing goes on, or it does again. */
  rest(isResting: boolean): void {
    this.#isResting = isResting;
    for (const xid of isResting ? [...this.#running.keys()] : []) this.#finish(xid, true);
  }

  /** Some of what goes on meanwhile. */
  live(): void {
    if (this.#isResting) return;
    for (let i = this.#random.below(4); i > 0; i--) this.#act();
  }

  /** One statement that commits at once. */
  write(write: Write): void {
    this.#committed = write(this.#committed);
    this.#end(true);
  }

  /** Everything that was ever written is on disk. */
  flush(): void {
    this.#onDisk = { shown: this.#committed, next: this.#next, lsn: this.lsn };
  }

  isOnDisk(lsn: number): boolean {
    return this.#onDisk.lsn >= lsn;
  }

  crash(): void {
    const { shown, next, lsn } = this.#onDisk;
    this.#running.clear();
    [this.#committed, this.#next] = [shown, next];
    this.lsn = lsn + 1;
    while ((this.history.at(-1)?.lsn ?? 0) > lsn) this.history.pop();
  }

  #act(): void {
    const random = this.#random;
    const open = [...this.#running.keys()];
    if (open.length === 0 || (open.length < 3 && random.chance(0.3))) {
      this.#running.set(this.#next++, { keys: new Set(), writes: [] });
      this.lsn++;
      return;
    }
    const xid = random.pick(open);
    if (random.chance(0.35)) return this.#finish(xid, random.chance(0.8));
    this.#change(xid);
  }

  #finish(xid: number, isCommit: boolean): void {
    const { writes } = this.#running.get(xid) as { writes: Write[] };
    this.#running.delete(xid);
    const { commits } = this.#committed;
    if (isCommit)
      this.#committed = { ...writes.reduce((shown, write) => write(shown), this.#committed), commits: commits + 1 };
    this.#end(this.#random.chance(0.5));
  }

  #end(isSynchronous: boolean): void {
    this.lsn += this.#random.between(1, 3);
    this.history.push({ lsn: this.lsn, shown: this.#committed });
    if (isSynchronous) this.flush();
  }

  /** A row that nobody else has written, or all of a table. */
  #change(xid: number): void {
    const random = this.#random;
    const own = this.#running.get(xid) as { keys: Set<string>; writes: Write[] };
    const table = random.below(TABLES);
    const key = `k${random.below(KEYS)}`;
    const name = `${table}/${key}`;
    for (const [other, { keys }] of this.#running) if (other !== xid && keys.has(name)) return;
    own.keys.add(name);
    this.lsn++;
    const id = ++this.#lastEvent;
    const isGone = random.chance(0.35);
    const row = [key, `v${++this.#serial}`, random.chance(0.3) ? null : `v${++this.#serial}`];
    own.writes.push((shown) => {
      const rows = new Map(shown.tables[table]);
      const old = rows.get(key)?.row;
      if (isGone && old === undefined) return shown;
      if (isGone) rows.delete(key);
      else rows.set(key, { row, xid });
      const op = isGone ? 'd' : old === undefined ? 'i' : 'u';
      const event: Event = { id, xid, table, op, old, now: isGone ? undefined : row };
      return { ...shown, tables: shown.tables.with(table, rows), events: [...shown.events, event] };
    });
  }
}

/** As `pg_visible_in_snapshot` says. */
export function isVisible(xid: number, snapshot: string): boolean {
  const [xmin = '', xmax = '', running = ''] = snapshot.split(':');
  return xid < Number(xmin) || (xid < Number(xmax) && !running.split(',').includes(String(xid)));
}

export function textOf({ xmin, xmax, running }: Snapshot): string {
  return `${xmin}:${xmax}:${running.join(',')}`;
}
