import type pg from 'pg';
import { declarations, difference, rowsOf } from './compare.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/** A type that only the source has. */
export interface MadeByTheSink {
  readonly name: string;
  readonly create: string;
  readonly type: string;
  /** Texts of values. */
  readonly values: readonly string[];
  /** First major version that knows it. */
  readonly since?: number;
}

const MOOD = `create type public."Mood" as enum ('b', 'a', 'it''s', '"')`;

export const MADE_BY_THE_SINK: readonly MadeByTheSink[] = [
  { name: 'enum', create: MOOD, type: 'public."Mood"', values: ['a', `it's`] },
  { name: 'array of an enum', create: MOOD, type: 'public."Mood"[]', values: ['{b,NULL,"\\""}', '{}'] },
  { name: 'domain', create: 'create domain public.made as varchar(5)', type: 'public.made', values: ['x', ''] },
  {
    name: 'domain over an array of domains',
    create: `create domain public.inner as numeric(5,1) check (value <> 3); create domain public.made as public.inner[]`,
    type: 'public.made',
    values: ['{1.5,NULL}', '{}', '[0:0]={NaN}'],
  },
  {
    name: 'domain over a domain over an enum, with a default',
    create: `${MOOD}; create domain public.inner as public."Mood" default 'a'; create domain public.made as public.inner not null`,
    type: 'public.made',
    values: ['b'],
  },
  {
    name: 'domain with a collation',
    create: `create domain public.made as text collate "C"`,
    type: 'public.made',
    values: ['x'],
  },
  {
    name: 'composite type',
    create: 'create type public.made as (a int, "B ""c" text collate "C", d numeric(8,2))',
    type: 'public.made',
    values: ['(1,x,2.50)', '(,,)', '(1,"a ""b"", \\\\",)'],
  },
  {
    name: 'nested composite with arrays of enums',
    create: `${MOOD}; create domain public.d as varchar(3); create type public.leaf as (m public."Mood"[], d public.d); create type public.made as (l public.leaf, ls public.leaf[], r int4range)`,
    type: 'public.made[]',
    values: [`{"(\\"({b},x)\\",\\"{\\"\\"({a},)\\"\\"}\\",\\"[1,3)\\")",NULL}`, `{"(,,)"}`, `{}`],
  },
  {
    name: 'range',
    create: 'create type public.made as range (subtype = float8, subtype_diff = float8mi)',
    type: 'public.made',
    values: ['[1,2)', 'empty', '(,NaN]'],
  },
  {
    name: 'range of a composite type, with a name for its multirange',
    create: `create type public.pair as (a int, b text); create type public.made as range (subtype = public.pair, multirange_type_name = public."Many")`,
    type: 'public.made',
    values: ['["(1,a)","(1,b)")', '(,)'],
    since: 14,
  },
  {
    name: 'multirange',
    create: 'create type public.made as range (subtype = text, collation = "C")',
    type: 'public.made_multirange',
    values: ['{[a,b),[c,d)}', '{}'],
    since: 14,
  },
];

/** Copies and streams rows of a type that the replica lacks, and reports whether the replica then says and declares the same. */
export async function runMadeType(world: World, made: MadeByTheSink, report: Report): Promise<void> {
  const { source, replica } = world;
  report.setVersion(world.version);
  const name = `types made by the sink: ${made.name}`;
  if ((made.since ?? 0) > world.version) {
    report.add({ name, detail: `Postgres ${made.since} has it`, skipped: true });
    return;
  }
  await source.query(made.create);
  await source.query(`create table public.t (id int primary key, v ${made.type})`);
  const insert = `insert into public.t select $1 + i, v::${made.type} from unnest($2::text[]) with ordinality u (v, i)`;
  await source.query(insert, [0, made.values]);
  world.start();
  try {
    await world.settled();
    await source.query(insert, [100, made.values]);
    await source.query(insert, [1000, Array.from({ length: 300 }, (_, i) => made.values[i % made.values.length])]);
    await source.query('update public.t set id = id + 10000 where id < 100');
    await world.settled();
    const rows = difference(await rowsOf(source, { name: 'public.t' }), await rowsOf(replica, { name: 'public.t' }));
    const [here, there] = [await declared(source), await declared(replica)];
    const isEqual = rows === undefined && here.join() === there.join();
    const differs = rows ?? `source ${here.join('; ')}, replica ${there.join('; ')}`;
    report.add({ name, detail: here.join('; '), ...(isEqual ? {} : { difference: differs }) });
  } catch (error) {
    report.add({ name, detail: made.type, difference: String(error) });
  }
}

/** What the table declares, and what its schema's types are made of; checks of domains stay at the source (docs/fidelity.md). */
async function declared(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(/* sql */ `
    select concat_ws(' ', t.typname, t.typtype, format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typdefault,
      (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
      (select string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod), nullif(a.attcollation, 0)::regcollation), ',' order by a.attnum)
        from pg_attribute a where a.attrelid = t.typrelid),
      (select concat_ws(' ', format_type(r.rngsubtype, -1), nullif(r.rngsubdiff::oid, 0)::regproc, nullif(r.rngcollation, 0)::regcollation) from pg_range r where r.rngtypid = t.oid),
      case when t.typtype = 'd' then nullif(t.typcollation, 0)::regcollation::text end) as line
    from pg_type t left join pg_class c on c.oid = t.typrelid
    where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd', 'c', 'r', 'm') and coalesce(c.relkind, 'c') = 'c' order by 1`);
  return [...(await declarations(client, 'public.t')), ...rows.map(({ line }) => line)];
}
