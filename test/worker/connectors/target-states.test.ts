import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OperatorError } from '../../../src/errors.ts';
import { TargetStates } from '../../../src/worker/connectors/target-states.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rowcast-targets-'));
});
afterAll(() => rm(directory, { recursive: true }));

test('states outlive the process, and what runs is not listed', async () => {
  const targets = await TargetStates.read(directory);
  expect(targets.of('a')).toBe('RUNNING');
  expect(await readdir(directory)).toEqual([]);
  await targets.set('a', 'PAUSED');
  await targets.set('__proto__', 'STOPPED');
  await targets.set('b', 'STOPPED');
  await targets.set('b', 'RUNNING');
  const again = await TargetStates.read(directory);
  expect(['a', '__proto__', 'b', 'toString'].map((name) => again.of(name))).toEqual([
    'PAUSED',
    'STOPPED',
    'RUNNING',
    'RUNNING',
  ]);
  expect(await readdir(directory)).toEqual(['targets.json']);
});

test.each(['', '{', 'null', '[]', '{"version":2,"targets":{}}', '{"version":1,"targets":{"a":"SLEEPING"}}'])(
  'a list that cannot be read (%s) is an error: what somebody stopped must not run',
  async (text) => {
    await writeFile(join(directory, 'targets.json'), text);
    await expect(TargetStates.read(directory)).rejects.toThrow(OperatorError);
  },
);
