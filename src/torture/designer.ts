import type pg from 'pg';
import type { Random } from './random.ts';

/** Tables that come and go; the others only get columns and indexes whose names begin with `x_`. */
const SHAPES = ['shape_a', 'shape_b', 'shape_c', 'shape_d'];
const LASTING = ['accounts', 'transfers', 'documents', 'seats', 'events'];
/** Types of columns, with a constant default and what each may become without losing anything. */
const TYPES: Readonly<
  Record<string, { readonly byDefault: string; readonly next: readonly (readonly [string, string])[] }>
> = {
  integer: {
    byDefault: '7',
    next: [
      ['bigint', ''],
      ['numeric', ''],
      ['text', '::text'],
    ],
  },
  bigint: {
    byDefault: '-70000000000',
    next: [
      ['numeric(30,2)', ''],
      ['text', '::text'],
    ],
  },
  numeric: { byDefault: '1.50', next: [['text', "::text || ' units'"]] },
  'character varying(20)': {
    byDefault: "'so'",
    next: [
      ['character varying(40)', ''],
      ['text', ''],
    ],
  },
  text: { byDefault: "'it\\was'", next: [['character varying', '']] },
  mood: { byDefault: "'calm'", next: [['text', '::text']] },
  date: { byDefault: "'2026-11-21'", next: [['timestamp with time zone', '']] },
  boolean: { byDefault: 'true', next: [['integer', '::integer']] },
};
const MOST_LABELS = 40;
const MOST_COLUMNS = 12;

/** What the designer may change, as the catalog has it now. */
interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

/** Which columns of which types all tables have: source and replica must say the same at every moment. */
export const SHAPE_OF_ALL: string = /* sql */ `(select string_agg(c.relname || '.' || a.attname || ':' || t.typname || '/' || a.atttypmod, ' ' order by c.relname::text collate "C", a.attname::text collate "C")
    from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid join pg_catalog.pg_type t on t.oid = a.atttypid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped)`;

/** The type whose labels grow, and the table that says what the tables look like. */
export const DESIGN_SCHEMA: string = /* sql */ `
  create type public.mood as enum ('calm', 'glad');
  create table public.designs (id integer primary key, shape text not null);
  insert into public.designs values (1, '');`;

/** Issues DDL of all kinds inside the transaction of a connection, with rows around it. */
export class Designer {
  readonly #client: pg.Client;
  readonly #random: Random;
  /** Names are never used again, so that nothing is taken for what it was. */
  readonly #fresh: () => string;

  constructor(client: pg.Client, random: Random, fresh: () => string) {
    this.#client = client;
    this.#random = random;
    this.#fresh = fresh;
  }

  /** One to three changes of the schema, and a row that says what came of them. */
  async design(): Promise<void> {
    const { rows: labels } = await this.#rows<{ count: number }>(
      /* sql */ `select count(*)::int as count from pg_catalog.pg_enum where enumtypid = 'public.mood'::regtype`,
    );
    for (let i = this.#random.between(1, 3); i > 0; i--) await this.#change(labels[0]?.count ?? 0);
    await this.#client.query(/* sql */ `update public.designs set shape = ${SHAPE_OF_ALL}`);
  }

  async #change(labels: number): Promise<void> {
    const random = this.#random;
    const roll = random.below(20);
    if (roll < 3) return await this.#createTable();
    if (roll < 4) return await this.#dropTable();
    if (roll < 6) return await this.#renameTable();
    if (roll < 8 && labels < MOST_LABELS) return await this.#label();
    if (roll < 12) return await this.#addColumn();
    const column = await this.#anyColumn();
    if (column === undefined) return await this.#addColumn();
    if (roll < 13) return await this.#alter(column.table, `drop column ${column.name}`);
    if (roll < 15) return await this.#alter(column.table, `rename column ${column.name} to x_${this.#fresh()}`);
    if (roll < 17) return await this.#retype(column);
    if (roll < 18) return await this.#index(column);
    return await this.#constrain(column);
  }

  async #createTable(): Promise<void> {
    const taken = await this.#shapes();
    const name = SHAPES.find((each) => !taken.includes(each));
    if (name === undefined) return await this.#dropTable();
    await this.#run(
      /* sql */ `create table public.${name} (id bigint primary key, note text not null default 'new', x_mood public.mood default 'calm')`,
    );
    await this.#fill(name);
  }

  async #dropTable(): Promise<void> {
    const name = await this.#anyShape();
    if (name !== undefined) await this.#run(/* sql */ `drop table public.${name}`);
  }

  /** To a name that is free, or by exchange with another table. */
  async #renameTable(): Promise<void> {
    const taken = await this.#shapes();
    const from = await this.#anyShape();
    if (from === undefined) return await this.#createTable();
    const to = this.#random.pick(SHAPES.filter((each) => each !== from));
    if (taken.includes(to)) {
      await this.#alter(to, 'rename to shape_between');
      await this.#alter(from, `rename to ${to}`);
      await this.#alter('shape_between', `rename to ${from}`);
    } else await this.#alter(from, `rename to ${to}`);
    await this.#fill(to);
  }

  /** A new label can be used when it is committed. */
  async #label(): Promise<void> {
    const { rows } = await this.#rows<{ label: string }>(
      /* sql */ `select enumlabel as label from pg_catalog.pg_enum where enumtypid = 'public.mood'::regtype and enumlabel <> 'calm'`,
    );
    const label = this.#random.pick(rows).label.replaceAll("'", "''");
    if (this.#random.chance(0.3))
      await this.#run(/* sql */ `alter type public.mood rename value '${label}' to 'it''s ${this.#fresh()}'`);
    else
      await this.#run(
        /* sql */ `alter type public.mood add value 'm${this.#fresh()}' ${this.#random.pick(['before', 'after'])} '${label}'`,
      );
  }

  async #addColumn(): Promise<void> {
    const table = await this.#anyTable();
    const known = await this.#columns(table);
    if (known.length >= MOST_COLUMNS) return await this.#alter(table, `drop column ${this.#random.pick(known).name}`);
    const type = this.#random.pick(Object.keys(TYPES));
    const name = `x_${this.#fresh()}`;
    const byDefault = this.#random.chance(0.7) ? ` default ${TYPES[type]?.byDefault}` : '';
    const required = byDefault !== '' && this.#random.chance(0.4) ? ' not null' : '';
    await this.#alter(table, `add column ${name} ${type === 'mood' ? 'public.mood' : type}${byDefault}${required}`);
    if (SHAPES.includes(table)) await this.#fill(table);
  }

  async #retype({ table, name, type }: Column): Promise<void> {
    const next = TYPES[type]?.next ?? [];
    if (next.length === 0) return;
    const [to, using] = this.#random.pick(next);
    const conversion = using === '' ? '' : ` using ${name}${using}`;
    // Rows are inserted without it: it must not be required once it has no default.
    await this.#alter(table, `alter column ${name} drop not null, alter column ${name} drop default`);
    await this.#alter(table, `alter column ${name} type ${to}${conversion}`);
  }

  async #index({ table, name }: Column): Promise<void> {
    const { rows } = await this.#rows<{ name: string }>(
      /* sql */ `select c.relname as name from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
        where i.indrelid = 'public.${table}'::regclass and c.relname like 'x\\_%'`,
    );
    const old = rows[0]?.name;
    if (old !== undefined && this.#random.chance(0.5)) await this.#run(/* sql */ `drop index public.${old}`);
    else if (old !== undefined) await this.#run(/* sql */ `alter index public.${old} rename to x_${this.#fresh()}`);
    else
      await this.#run(
        /* sql */ `create index x_${this.#fresh()} on public.${table} (${name} desc) where ${name} is not null`,
      );
  }

  async #constrain({ table, name }: Column): Promise<void> {
    const check = `x_${this.#fresh()}`;
    const { rows } = await this.#rows<{ name: string }>(
      /* sql */ `select conname as name from pg_catalog.pg_constraint where conrelid = 'public.${table}'::regclass and contype = 'c' and conname like 'x\\_%'`,
    );
    const old = rows[0]?.name;
    if (old !== undefined) await this.#alter(table, `drop constraint ${old}`);
    else if (this.#random.chance(0.6))
      await this.#alter(table, `add constraint ${check} check (${name} is null or ${name} is not null)`);
    else await this.#alter(table, `alter column ${name} drop not null, alter column ${name} drop default`);
  }

  /** Rows between the statements: some new, some changed, some that go. */
  async #fill(table: string): Promise<void> {
    const from = this.#random.below(1000);
    await this.#run(
      /* sql */ `insert into public.${table} (id, note) select i, 'n' || i from generate_series(${from}, ${from + 20}) i on conflict (id) do update set note = excluded.note || '+'`,
    );
    await this.#run(/* sql */ `delete from public.${table} where id % 7 = ${from % 7}`);
    if (this.#random.chance(0.1)) await this.#run(/* sql */ `truncate public.${table}`);
  }

  async #alter(table: string, action: string): Promise<void> {
    await this.#run(/* sql */ `alter table public.${table} ${action}`);
  }

  async #run(sql: string): Promise<void> {
    await this.#client.query(sql);
  }

  async #rows<Row extends pg.QueryResultRow>(sql: string): Promise<pg.QueryResult<Row>> {
    return await this.#client.query<Row>(sql);
  }

  async #shapes(): Promise<string[]> {
    const { rows } = await this.#rows<{ name: string }>(
      /* sql */ `select relname as name from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname like 'shape\\_%' order by 1`,
    );
    return rows.map(({ name }) => name);
  }

  async #anyShape(): Promise<string | undefined> {
    const names = await this.#shapes();
    return names.length === 0 ? undefined : this.#random.pick(names);
  }

  async #anyTable(): Promise<string> {
    const shape = this.#random.chance(0.6) ? await this.#anyShape() : undefined;
    return shape ?? this.#random.pick(LASTING);
  }

  async #anyColumn(): Promise<Column | undefined> {
    const columns = await this.#columns(await this.#anyTable());
    return columns.length === 0 ? undefined : this.#random.pick(columns);
  }

  async #columns(table: string): Promise<Column[]> {
    const { rows } = await this.#rows<Column>(
      /* sql */ `select '${table}' as table, a.attname as name, replace(pg_catalog.format_type(a.atttypid, a.atttypmod), 'public.', '') as type
        from pg_catalog.pg_attribute a where a.attrelid = 'public.${table}'::regclass and a.attname like 'x\\_%' and not a.attisdropped order by 2`,
    );
    return rows;
  }
}
