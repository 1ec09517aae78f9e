import { declarations } from './compare.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/** A type that only the source has. */
export interface MadeByTheSink {
  readonly name: string;
  readonly create: string;
  readonly type: string;
  readonly value: string;
}

export const MADE_BY_THE_SINK: readonly MadeByTheSink[] = [
  { name: 'enum', create: `create type public.made as enum ('b', 'a')`, type: 'public.made', value: 'a' },
  {
    name: 'array of an enum',
    create: `create type public.made as enum ('b')`,
    type: 'public.made[]',
    value: '{b,NULL}',
  },
  { name: 'domain', create: 'create domain public.made as varchar(5)', type: 'public.made', value: 'x' },
  { name: 'composite type', create: 'create type public.made as (a int, b text)', type: 'public.made', value: '(1,x)' },
  { name: 'range', create: 'create type public.made as range (subtype = float8)', type: 'public.made', value: '[1,2)' },
];

/** Copies a table of a type that the replica lacks, and reports whether the replica then declares the same. */
export async function runMadeType(world: World, made: MadeByTheSink, report: Report): Promise<void> {
  const { source, replica } = world;
  report.setVersion(world.version);
  await source.query(made.create);
  await source.query(`create table public.t (id int primary key, v ${made.type})`);
  await source.query(`insert into public.t values (1, '${made.value}')`);
  world.start();
  const name = `types made by the sink: ${made.name}`;
  try {
    await world.settled();
    const [here, there] = [await declarations(source, 'public.t'), await declarations(replica, 'public.t')];
    const isEqual = here.join() === there.join();
    const difference = `source ${here.join('; ')}, replica ${there.join('; ')}`;
    report.add({ name, detail: made.type, ...(isEqual ? {} : { difference }) });
  } catch (error) {
    report.add({ name, detail: made.type, difference: String(error) });
  }
}
