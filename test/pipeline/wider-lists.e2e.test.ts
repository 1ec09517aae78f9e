import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuiltCommand, buildCommand } from '../cli/command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from '../cli/workplace.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually } from './replication.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

interface Told {
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

test('saving a file that takes in more makes a source copy it, and stops a sink with a message; the old file lets that go on without loss', async () => {
  await using source = await freshDatabase('shop');
  await using target = await freshDatabase('replica');
  await source.query(/* sql */ `create table a (id int primary key); create table b (id int primary key);
    insert into a values (1); insert into b values (1); create publication shop_publication for all tables`);
  await using place = await makeWorkplace();
  const lists = { 'publication.autocreate.mode': 'disabled', 'table.include.list': 'public.(a|c)' };
  const narrow = {
    shop: sourceConfig(source.settings, 'shop', lists),
    replica: sinkConfig(target.settings, 'shop', { topics: 'shop.public.a' }),
  };
  const wide = {
    shop: sourceConfig(source.settings, 'shop', { ...lists, 'table.include.list': 'public.*' }),
    replica: sinkConfig(target.settings, 'shop', { 'topics.regex': 'shop\\.public\\..*' }),
  };
  await source.query(/* sql */ `create table c (id int primary key); insert into c values (1)`);
  for (const name of ['shop', 'replica'] as const) await place.write(`${name}.json`, { name, config: narrow[name] });
  const daemon = place.start(command);
  try {
    const url = await place.url();
    const task = async (name: string): Promise<Told['tasks'][number] | undefined> =>
      ((await (await fetch(`${url}/connectors/${name}/status`)).json()) as Partial<Told>).tasks?.[0];
    const hasRows = async (rows: number): Promise<void> => {
      const count = /* sql */ `select to_regclass('public.a') is not null as there`;
      await eventually(async () => {
        const [found] = await target.query<{ there: boolean }>(count);
        return found?.there === true && (await target.query('select from public.a')).length === rows;
      }, `${rows} rows of a`);
    };
    await hasRows(1);
    let rows = 1;
    await place.write('shop.json', { name: 'shop', config: wide.shop });
    await source.query(/* sql */ `insert into a values (${++rows})`);
    await hasRows(rows);
    await eventually(async () => (await task('shop'))?.state === 'RUNNING', 'the source to go on');
    await place.write('shop.json', { name: 'shop', config: narrow.shop });
    await place.write('replica.json', { name: 'replica', config: wide.replica });
    await eventually(async () => (await task('replica'))?.state === 'FAILED', 'the sink to fail');
    const { trace } = (await task('replica')) ?? {};
    expect(trace).toContain('whose earlier rows were not replayed');
    expect(trace).toContain('rowcast offsets reset replica');
    await source.query(/* sql */ `insert into a values (${++rows})`);
    await place.write('replica.json', { name: 'replica', config: narrow.replica });
    await hasRows(rows);
    expect((await task('replica'))?.state).toBe('RUNNING');
    const tables = await target.query(/* sql */ `select tablename from pg_tables where schemaname = 'public'`);
    expect(tables).toEqual([{ tablename: 'a' }]);
  } finally {
    daemon.process.kill('SIGTERM');
    await daemon.ended;
  }
});
