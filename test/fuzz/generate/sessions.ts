import type { Random } from '../../../src/torture/random.ts';
import type { Step } from '../scenario.ts';
import { generateBulk, generateCopy, generateDml } from './dml.ts';
import { cloned, type TableModel } from './table-model.ts';

/** Connections that write at the same time. */
export const SESSIONS = 3;

interface Session {
  readonly number: number;
  isOpen: boolean;
  isGuarded: boolean;
  savepoints: string[];
}

/** Writes the transactions of several sessions into one list of steps, interleaved. */
export class Sessions {
  readonly steps: Step[] = [];
  readonly #tables: TableModel[];
  readonly #random: Random;
  readonly #sessions: readonly Session[];
  readonly #prepared: string[] = [];
  #names = 0;

  constructor(tables: TableModel[], random: Random) {
    this.#tables = tables;
    this.#random = random;
    this.#sessions = Array.from({ length: SESSIONS }, (_, number) => {
      return { number, isOpen: false, isGuarded: false, savepoints: [] };
    });
  }

  /** One step of one session. */
  act(): void {
    const random = this.#random;
    const session = random.pick(this.#sessions);
    if (this.#prepared.length > 0 && random.chance(0.3)) return this.#finishPrepared();
    if (session.isOpen) return this.#continue(session);
    if (random.chance(0.45)) return this.#write(session);
    session.isOpen = true;
    session.isGuarded = random.chance(0.6);
    const isolation = random.pick(['', '', '', ' isolation level repeatable read', ' isolation level serializable']);
    this.#say(session, `begin${isolation}`);
  }

  /** Ends every transaction that is open. */
  finish(): void {
    for (const session of this.#sessions) if (session.isOpen) this.#end(session, 'commit');
    while (this.#prepared.length > 0) this.#finishPrepared();
  }

  /** A transaction of one session with a change of tables in it, and rows before and behind; sometimes it never happened. */
  change(statements: readonly string[]): void {
    const [session] = this.#sessions as [Session];
    const random = this.#random;
    const inside = random.chance(0.5);
    if (inside) {
      session.isOpen = true;
      session.isGuarded = true;
      this.#say(session, 'begin');
      if (random.chance(0.5)) this.#write(session);
    }
    for (const sql of statements) this.#say(session, sql);
    for (let n = random.below(4); n > 0; n--) this.#write(session);
    if (inside) this.#end(session, 'commit');
  }

  /** The same as `change`, taken back in the end; the tables are what they were. */
  undone(change: () => readonly string[]): void {
    const [session] = this.#sessions as [Session];
    const before = cloned(this.#tables);
    session.isOpen = true;
    session.isGuarded = true;
    this.#say(session, 'begin');
    for (const sql of change()) this.#say(session, sql);
    for (let n = this.#random.below(3); n > 0; n--) this.#write(session);
    this.#end(session, 'rollback');
    this.#tables.splice(0, this.#tables.length, ...before);
  }

  #continue(session: Session): void {
    const random = this.#random;
    const chance = random.below(100);
    if (chance < 12) {
      const name = `s${this.#names++}`;
      session.savepoints.push(name);
      this.#say(session, `savepoint ${name}`);
    } else if (chance < 22 && session.savepoints.length > 0) {
      const at = random.below(session.savepoints.length);
      const name = session.savepoints[at] as string;
      const isRelease = random.chance(0.4);
      session.savepoints = session.savepoints.slice(0, isRelease ? at : at + 1);
      this.#say(session, `${isRelease ? 'release' : 'rollback to'} ${name}`);
    } else if (chance < 40)
      this.#end(session, random.pick(['commit', 'commit', 'commit', 'commit', 'rollback', 'prepare']));
    else this.#write(session);
  }

  #end(session: Session, how: 'commit' | 'rollback' | 'prepare'): void {
    session.isOpen = false;
    session.isGuarded = false;
    session.savepoints = [];
    if (how !== 'prepare') return this.#say(session, how);
    const name = `p${this.#names++}`;
    this.#prepared.push(name);
    this.#say(session, `prepare transaction '${name}'`);
  }

  #finishPrepared(): void {
    const name = this.#prepared.shift() as string;
    const [session] = this.#sessions.filter(({ isOpen }) => !isOpen);
    if (session === undefined) {
      this.#prepared.unshift(name);
      return this.#end(this.#sessions[0] as Session, 'commit');
    }
    this.#say(session, `${this.#random.chance(0.8) ? 'commit' : 'rollback'} prepared '${name}'`);
  }

  #write(session: Session): void {
    const random = this.#random;
    const chance = random.below(100);
    if (chance < 4) this.#say(session, generateBulk(random.pick(this.#tables), random));
    else if (chance < 12) {
      this.steps.push({ kind: 'copy', session: session.number, ...generateCopy(random.pick(this.#tables), random) });
    } else this.#say(session, generateDml(this.#tables, random).sql);
  }

  #say(session: Session, sql: string): void {
    this.steps.push({ kind: 'sql', session: session.number, sql, guarded: session.isGuarded });
  }
}
