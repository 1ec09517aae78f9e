import type pg from 'pg';
import type { Random } from './random.ts';
import { Designer } from './designer.ts';
import { WRITERS } from './source-schema.ts';

/** What some statements did: row changes, and by how many rows the tables grew. */
interface Effect {
  changes: number;
  rowsAdded: number;
}

/** What a transaction has besides rows. */
export interface Extras {
  /** DDL. */
  readonly designs: boolean;
  /** A truncate. */
  readonly drafts: boolean;
}

/** Key of the lock under which ledger numbers are handed out, so that they have no gaps and grow in commit order. */
const LEDGER_LOCK = 7;
const GIANT_CHANGES = 50_000;
/** Ids of a giant's transfers begin here. */
const GIANT_IDS = 1_000_000_000;

/** Makes the transactions of one connection, on rows of its own, so that writers wait for each other at the ledger only. */
export class Writer {
  readonly #client: pg.Client;
  readonly #number: number;
  readonly #random: Random;
  #effect: Effect = { changes: 0, rowsAdded: 0 };

  readonly #designer: Designer;

  constructor(client: pg.Client, number: number, random: Random) {
    this.#client = client;
    this.#number = number;
    this.#random = random;
    // Like a label or a name of its own: what was rolled back may be tried again.
    this.#designer = new Designer(client, random, () => String(Math.floor(performance.now() * 1000)));
  }

  /**
   * One transaction of 1 to about 200 row changes, and what else is asked for. Returns its ledger number, or undefined when it was rolled
   * back.
   */
  async transact({ designs, drafts }: Extras): Promise<number | undefined> {
    const random = this.#random;
    await this.#begin();
    const wanted = random.pick([1, 3, 8, 20, 20, 60, 200]);
    if (designs) await this.#design();
    if (drafts) await this.#redraft();
    while (this.#effect.changes < wanted) {
      const before = this.#effect.changes;
      await this.#act(Math.min(wanted - before, random.between(1, 60)));
      if (this.#effect.changes === before) break; // nothing of that kind is left
    }
    if (random.chance(0.1)) await this.#undone();
    if (designs && random.chance(0.5)) await this.#design();
    if (random.chance(designs ? 0.25 : 0.05)) {
      await this.#client.query('rollback');
      return undefined;
    }
    return await this.#commit();
  }

  /** Fifty thousand changes in one transaction: adds that many rows, or removes them when they are there. */
  async giant(): Promise<number> {
    await this.#begin();
    const removed = await this.#run(/* sql */ `delete from public.transfers where id >= ${GIANT_IDS}`, -1);
    if (removed === 0) {
      await this.#run(
        /* sql */ `insert into public.transfers (id, payer, payee, amount)
        select ${GIANT_IDS} + i, ${this.#number}, ${this.#number + WRITERS}, 0 from generate_series(1, ${GIANT_CHANGES}) i`,
        1,
      );
    }
    return await this.#commit();
  }

  async #act(count: number): Promise<void> {
    switch (this.#random.below(10)) {
      case 0:
      case 1:
        return await this.#pay(count);
      case 2:
        return await this.#settle(count);
      case 3:
        return await this.#retitle(count);
      case 4:
        return await this.#rewrite(count);
      case 5:
        return await this.#moveSeats(count);
      case 6:
        return await this.#swapSeats();
      case 7:
        return await this.#renumberDocuments(count);
      case 8:
        return await this.#replaceDocuments(count);
      default:
        return await this.#note(count);
    }
  }

  /** Transfers between own accounts, and their balances: their sum stays. */
  async #pay(count: number): Promise<void> {
    const mine = (): string => `(${this.#number} + ${WRITERS} * floor(random() * 500)::integer)`;
    const { rows } = await this.#client.query<{ made: string; moved: string }>(/* sql */ `
      with made as (
        insert into public.transfers (id, payer, payee, amount)
        select ${this.#freshId()}, ${mine()}, ${mine()}, (random() * 100)::integer
        from generate_series(1, ${count}) returning payer, payee, amount
      ), moves as (
        select id, sum(amount)::bigint as amount from (
          select payer as id, -amount as amount from made union all select payee, amount from made) each group by id
      ), moved as (
        update public.accounts a set balance = a.balance + m.amount from moves m where a.id = m.id returning 1
      ) select (select count(*) from made) as made, (select count(*) from moved) as moved`);
    const made = Number(rows[0]?.made);
    this.#count(made + Number(rows[0]?.moved), made);
  }

  async #settle(count: number): Promise<void> {
    await this.#run(
      /* sql */ `delete from public.transfers where id in (select id from public.transfers
      where id % ${WRITERS} = ${this.#number} and id < ${GIANT_IDS} order by id limit ${count})`,
      -1,
    );
  }

  /** Updates that leave the long body as it is: the WAL does not have it. */
  async #retitle(count: number): Promise<void> {
    await this.#run(
      /* sql */ `update public.documents set title = 'Edited ' || left(md5(random()::text), 9), revision = revision + 1
      where id in (${this.#documents(count)})`,
    );
  }

  async #rewrite(count: number): Promise<void> {
    await this.#run(
      /* sql */ `update public.documents set revision = revision + 1, seal = null,
      body = (select string_agg(md5(id::text || revision || n), '') from generate_series(1, 128) n)
      where id in (${this.#documents(count)})`,
    );
  }

  /** Keys that change while the long body is not sent. */
  async #renumberDocuments(count: number): Promise<void> {
    await this.#run(
      /* sql */ `update public.documents set id = ${this.#freshId()} where id in (${this.#documents(Math.min(count, 20))})`,
    );
  }

  /** A row that goes, comes back under its key and changes, all in one transaction. */
  async #replaceDocuments(count: number): Promise<void> {
    const few = Math.min(count, 10);
    const { rows } = await this.#client.query<{ id: string }>(
      /* sql */ `delete from public.documents where id in (${this.#documents(few)}) returning id`,
    );
    this.#count(rows.length, -rows.length);
    const ids = rows.map(({ id }) => `(${id}::bigint)`).join(', ');
    if (ids === '') return;
    await this.#run(
      /* sql */ `insert into public.documents select v.id, 'Back', 0, repeat('${this.#random.bits()} ', 400), null from (values ${ids}) v (id)`,
      1,
    );
    await this.#run(
      /* sql */ `update public.documents d set revision = 1 from (values ${ids}) v (id) where d.id = v.id and v.id % 3 = 0`,
    );
  }

  async #moveSeats(count: number): Promise<void> {
    await this.#run(
      /* sql */ `update public.seats set zone = case zone when 'stalls' then 'circle' else 'stalls' end,
      place = ${this.#freshId()}, holder = gen_random_uuid() where (zone, place) in (${this.#seats(count)})`,
    );
  }

  /** Two rows exchange their keys by way of a third one. */
  async #swapSeats(): Promise<void> {
    const { rows } = await this.#client.query<{ zone: string; place: string }>(this.#seats(2));
    const [a, b] = rows;
    if (a === undefined || b === undefined) return;
    const move = async (from: { zone: string; place: string }, to: { zone: string; place: string }): Promise<void> => {
      await this.#run(
        /* sql */ `update public.seats set zone = '${to.zone}', place = ${to.place} where zone = '${from.zone}' and place = ${from.place}`,
      );
    };
    const third = { zone: 'third', place: String(-1 - this.#number) };
    await move(a, third);
    await move(b, a);
    await move(third, b);
  }

  /** Rows without key, some equal in all columns. */
  async #note(count: number): Promise<void> {
    const few = Math.min(count, 30);
    const some = (limit: number): string =>
      `ctid = any (array(select ctid from public.events where writer = ${this.#number} order by random() limit ${limit}))`;
    await this.#run(
      /* sql */ `insert into public.events select ${this.#number}, 'kind ' || i % 3, case when i % 4 > 0 then i % 4 end, null, date '2026-11-21'
      from generate_series(1, ${few}) i`,
      1,
    );
    await this.#run(/* sql */ `delete from public.events where ${some(few)}`, -1);
    await this.#run(
      /* sql */ `update public.events set amount = amount + 1, detail = '{"seen": true}' where ${some(5)}`,
    );
  }

  /** All drafts go at once; some come back, and some more. Each says how many there are. */
  async #redraft(): Promise<void> {
    const count = this.#random.below(60);
    const isUndone = this.#random.chance(0.2);
    if (isUndone) await this.#client.query('savepoint drafts');
    await this.#client.query(/* sql */ `truncate public.drafts`);
    const insert = /* sql */ `insert into public.drafts select i, ${count} from generate_series`;
    await this.#client.query(/* sql */ `${insert} (1, ${count}) i`);
    if (this.#random.chance(0.5)) {
      await this.#client.query(
        /* sql */ `update public.drafts set total = ${2 * count}, id = id + case when id % 2 = 0 then 1000 else 0 end`,
      );
      await this.#client.query(
        /* sql */ `insert into public.drafts select 2000 + i, ${2 * count} from generate_series(1, ${count}) i`,
      );
    }
    if (isUndone) await this.#client.query('rollback to drafts');
  }

  /** Some of it is taken back, which nobody must see either. */
  async #design(): Promise<void> {
    const isUndone = this.#random.chance(0.2);
    if (isUndone) await this.#client.query('savepoint design');
    await this.#designer.design();
    if (isUndone) await this.#client.query('rollback to design');
  }

  /** Changes that a savepoint takes back: nobody must see them. */
  async #undone(): Promise<void> {
    await this.#client.query('savepoint undone');
    await this.#client.query(/* sql */ `update public.seats set price = -1 where (zone, place) in (${this.#seats(9)})`);
    await this.#client.query('rollback to undone');
  }

  /** A number that no row has had, and that makes the row this writer's. */
  #freshId(): string {
    return /* sql */ `${this.#number} + ${WRITERS} * (5000 + nextval('torture.ids'))`;
  }

  #documents(count: number): string {
    return /* sql */ `select id from public.documents where id % ${WRITERS} = ${this.#number} order by random() limit ${count}`;
  }

  #seats(count: number): string {
    return /* sql */ `select zone, place from public.seats where place % ${WRITERS} = ${this.#number} and zone <> 'third' order by random() limit ${count}`;
  }

  async #run(sql: string, growth: -1 | 0 | 1 = 0): Promise<number> {
    const { rowCount } = await this.#client.query(sql);
    const count = rowCount ?? 0;
    this.#count(count, growth * count);
    return count;
  }

  #count(changes: number, rowsAdded: number): void {
    this.#effect.changes += changes;
    this.#effect.rowsAdded += rowsAdded;
  }

  async #begin(): Promise<void> {
    this.#effect = { changes: 0, rowsAdded: 0 };
    await this.#client.query('begin');
  }

  /** The number is taken last and under a lock that the commit ends, so that numbers grow in the order of the commits. */
  async #commit(): Promise<number> {
    const { changes, rowsAdded } = this.#effect;
    await this.#client.query(`select pg_advisory_xact_lock(${LEDGER_LOCK})`);
    const { rows } = await this.#client.query<{ number: string }>(/* sql */ `
      insert into public.ledger select max(txn_no) + 1, ${changes + 1}, ${rowsAdded} from public.ledger returning txn_no as number`);
    await this.#client.query('commit');
    return Number(rows[0]?.number);
  }
}
