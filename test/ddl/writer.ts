import type pg from 'pg';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { sqlState } from '../../src/postgres/errors.ts';
import { qualified, quoteIdentifier } from '../../src/postgres/identifier.ts';

/** What a table looks like at the moment; the next statement may find another one. */
interface Shape {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly value: string; readonly isKey: boolean }[];
}

/**
 * What a writer may be told: a constraint or a missing identity is in the way (22, 23, 55), it lost a deadlock (40), the table is another
 * one by now (42, 0A).
 */
const EXPECTED = /^(?:22|23|40|42|55|0A)/;

/** How many rows a table may have before more are deleted than inserted. */
const MANY = 60;

/** Sessions that insert, update and delete in all tables that there are, in transactions of several statements, until they are stopped. */
export class Writers {
  readonly #running: Promise<void>[] = [];
  #isOver = false;
  /** Transactions that were committed. */
  committed = 0;
  refused = 0;

  static start(source: ConnectionSettings, count: number): Writers {
    const writers = new Writers();
    for (let n = 0; n < count; n++) writers.#running.push(writers.#write(source, n));
    return writers;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #write(source: ConnectionSettings, n: number): Promise<void> {
    const client = await connect(source, 'ddl writer');
    try {
      for (let i = 0; !this.#isOver; i++) {
        try {
          await transact(client, n + i);
          this.committed++;
        } catch (error) {
          await client.query('rollback');
          if (!EXPECTED.test(sqlState(error) ?? '')) throw error;
          this.refused++;
        }
      }
    } finally {
      await client.end();
    }
  }
}

async function transact(client: pg.Client, i: number): Promise<void> {
  const tables = await shapes(client);
  const some = tables[Math.floor(Math.random() * tables.length)];
  await client.query('begin');
  if (some !== undefined) {
    const before = i % 3 === 0;
    if (before) await client.query('savepoint early');
    for (const sql of statements(some)) await client.query(sql);
    if (before && i % 2 === 0) await client.query('rollback to early');
    else if (before) await client.query('release early');
  }
  await client.query(/* sql */ `update public.account set balance = balance + 1 where id % 17 = ${i % 17}`);
  await client.query(i % 11 === 0 ? 'rollback' : 'commit');
}

function statements({ schema, name, columns }: Shape): string[] {
  const table = qualified(schema, name);
  const list = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const values = columns.map(({ value }) => value).join(', ');
  const insert = /* sql */ `insert into ${table} (${list}) overriding system value select ${values} from generate_series(1, 2) where (select count(*) from ${table}) < ${MANY}`;
  const free = columns.filter(({ isKey }) => !isKey);
  const changed = free[Math.floor(Math.random() * free.length)];
  const any = /* sql */ `ctid in (select ctid from ${table} order by random() limit 2)`;
  const all = [
    columns.length === 0 ? '' : insert,
    changed === undefined
      ? ''
      : /* sql */ `update ${table} set ${quoteIdentifier(changed.name)} = ${changed.value} where ${any}`,
    Math.random() < 0.3 ? /* sql */ `delete from ${table} where ${any}` : '',
  ];
  return all.filter((sql) => sql !== '');
}

async function shapes(client: pg.Client): Promise<Shape[]> {
  return (await client.query<Shape>(SHAPES)).rows;
}

/** Tables with an expression for a random value of each column; columns of types without one stay as they are. */
const SHAPES = /* sql */ `
  select n.nspname as schema, c.relname as name, coalesce((
    select json_agg(json_build_object('name', a.attname, 'value', v.value, 'isKey', exists (
      select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey::int2[]))))
    from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = t.typbasetype,
    lateral (select case
      when coalesce(b.typname, t.typname) in ('int2', 'int4', 'int8', 'numeric', 'float8') then '(random() * 999)::int'
      when coalesce(b.typname, t.typname) in ('text', 'varchar') then 'substr(md5(random()::text), 1, 8)'
      when t.typname = 'bool' then '(random() < 0.5)'
      when t.typname = 'date' then $$'2020-01-01'::date + (random() * 999)::int$$
      when t.typname in ('timestamptz', 'timestamp') then $$'2020-01-01'::timestamp + random() * interval '999 days'$$
      when t.typname = 'jsonb' then $$jsonb_build_object('a', random())$$
      when t.typname = 'uuid' then 'gen_random_uuid()'
      when t.typname = 'int4range' then 'int4range((random() * 9)::int, (random() * 99)::int + 9)'
      when t.typtype = 'e' then format('(enum_range(null::%s))[1 + floor(random() * array_length(enum_range(null::%1$s), 1))]', format_type(t.oid, null))
      end) v (value)
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and v.value is not null), '[]') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema$|rowcast$)'`;
