import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

let command: BuiltCommand;

beforeAll(async () => {
  command = await buildCommand();
});
afterAll(async () => {
  await command[Symbol.asyncDispose]();
});

test('a daemon that runs resets and deletes its connectors, and goes on with the others', async () => {
  await using source = await freshDatabase('operate_source');
  await using target = await freshDatabase('operate_target');
  await using work = await makeWorkplace();
  await source.query(
    /* sql */ `create table item (id int primary key, note text); insert into item values (1, 'copied')`,
  );
  await work.write('shop.json', { name: 'shop', config: sourceConfig(source.settings, 'operate') });
  await work.write('replica.json', { name: 'replica', config: sinkConfig(target.settings, 'operate') });
  const daemon = work.start(command);
  await work.url();
  const notes = async (): Promise<string> => {
    const [table] = await target.query<{ t: string | null }>(`select to_regclass('public.item')::text as t`);
    if (typeof table?.t !== 'string') return '';
    return (await target.query<{ note: string }>('select note from public.item order by id')).map((r) => r.note).join();
  };
  await expect.poll(notes, { timeout: 60_000 }).toBe('copied');
  const flags = ['--connectors', work.connectors, '--state', work.state];
  const ask = async (...args: string[]): Promise<string> => {
    const { code, output } = await command.run([...args, ...flags]).ended;
    expect(code, output).toBe(0);
    return output;
  };
  expect(await ask('offsets', 'shop')).toMatch(/log {5}.* at checkpoint \d+/);

  // Without a trace in the stream: only a second copy can show it.
  await target.query(/* sql */ `update public.item set note = 'spoilt'`);
  expect(await ask('offsets', 'reset', 'shop', '--yes')).toContain('is void');
  await source.query(/* sql */ `insert into item values (2, 'later')`);
  await expect.poll(notes, { timeout: 60_000 }).toBe('copied,later');

  for (const words of [
    ['delete', 'shpo', '--yes'],
    ['offsets', 'reset', 'shpo'],
    ['offsets', 'accept', 'shpo'],
  ]) {
    const typo = await command.run([...words, ...flags]).ended;
    expect(typo).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^There is no connector "shpo"\nDid you mean shop\?/) as unknown,
    });
  }
  expect(await ask('delete', 'shop', '--drop-slot', '--drop-publication', '--yes')).toContain('is dropped');
  expect(existsSync(join(work.connectors, 'shop.json'))).toBe(false);
  expect(await source.query('select from pg_replication_slots where database = current_database()')).toEqual([]);
  expect(await source.query('select from pg_publication')).toEqual([]);
  expect(await ask('offsets')).toContain('replica (sink)');
  expect(await ask('delete', 'replica', '--drop-progress', '--yes')).toContain(
    'schema rowcast was empty and is dropped',
  );
  daemon.process.kill('SIGTERM');
  const { code, output } = await daemon.ended;
  expect(code, output).toBe(0);
});
