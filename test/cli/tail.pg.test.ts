import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sourceConfig } from './workplace.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

test('the rows of a topic are printed, from a daemon that runs and from the log of one that does not', async () => {
  await using source = await freshDatabase('tail');
  await source.query(`create table item (id int primary key, note text); insert into item values (1, 'copied')`);
  await using place = await makeWorkplace();
  const prefix = source.settings.database;
  await place.write('tail.json', { name: 'tail', config: sourceConfig(source.settings, prefix) });
  const daemon = place.start(command);
  await expect.poll(() => daemon.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
  await source.query(`update item set note = 'seen' where id = 1; delete from item where id = 1`);
  const tail = async (...args: readonly string[]) => {
    const flags = ['--state', place.state, '--connectors', place.connectors, '--from', 'start', ...args];
    return await command.run(['tail', `${prefix}.public.item`, ...flags]).ended;
  };
  const expected = [
    / {2}read {7}id=1 note=copied$/,
    / {2}update {5}id=1 note=seen$/,
    / {2}delete {5}id=1$/,
    / {2}tombstone {2}id=1$/,
  ];
  const followed = await tail('-n', '4');
  expect(followed.code).toBe(0);
  const lines = followed.output.trimEnd().split('\n');
  expect(lines).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));

  daemon.process.kill('SIGTERM');
  await daemon.ended;
  const read = await tail('--no-follow', '--json');
  const records = read.output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect(records.map(({ kind }) => kind)).toEqual(['read', 'update', 'delete', 'tombstone']);

  const wrong = await command.run(['tail', 'no.such.topic', '--state', place.state, '--no-follow']).ended;
  expect(wrong).toMatchObject({ code: 1, output: expect.stringContaining('There is no topic "no.such.topic"') });
});
