import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root, type Run } from './command.ts';
import { commandInFolder } from './command-in-folder.ts';

const command = commandInFolder();

function demo(...flags: readonly string[]): Run {
  return command.run(['demo', '--connectors', join(root, 'connectors'), ...flags]);
}

/** Ports of the two servers, from what the demo prints. */
function serverPorts(output: string): string[] {
  return [...output.matchAll(/psql postgres:\/\/\S+:(\d+)\//g)].map((match) => match[1] as string);
}

async function expectNothingLeft(output: string): Promise<void> {
  await expect.poll(() => command.left(), { timeout: 10_000 }).toEqual([]);
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
  for (const port of serverPorts(output)) expect(stdout).not.toContain(`-p ${port} `);
}

test('the demo replicates a busy shop, proves it, and leaves nothing behind', async () => {
  const { code, output } = await demo('--seconds', '5', '--rate', '150').ended;
  expect(output).toMatch(/^schema registry and REST: http:\/\/127\.0\.0\.1:[1-9]\d*$/m);
  expect(output).toMatch(/first row replicated \d+\.\d s after the start/);
  expect(output).toMatch(
    /streamed: [1-9]\d* inserts, [1-9]\d* updates, [1-9]\d* deletes, [1-9]\d* key changes, [1-9]\d* multi-table transactions/,
  );
  expect(output).toMatch(/^replica equals source: 6 tables, \d{5,} rows$/m);
  expect(code).toBe(0);
  expect(serverPorts(output)).toHaveLength(2);
  await expectNothingLeft(output);
});

test('the demo runs through a real Kafka', async () => {
  const { code, output } = await demo('--seconds', '3', '--rate', '100', '--kafka').ended;
  expect(output).toMatch(/^log: +Kafka at 127\.0\.0\.1:\d+$/m);
  expect(output).toMatch(/^replica equals source: 6 tables, \d{5,} rows$/m);
  expect(code).toBe(0);
  await expectNothingLeft(output);
});

test.each([
  ['query', /polled: [1-9]\d* rows, [1-9]\d* deletes/],
  ['trigger', /streamed: [1-9]\d* inserts/],
])('the demo captures without the WAL: %s', async (kind, told) => {
  const flags = ['--connectors', join(root, 'connectors', kind), '--seconds', '5', '--rate', '150'];
  const { code, output } = await command.run(['demo', ...flags]).ended;
  expect(output).toMatch(told);
  expect(output).toContain('replica equals source');
  expect(code).toBe(0);
});

test('the demo shows the events of an outbox', async () => {
  const { code, output } = await command.run([
    'demo',
    '--outbox',
    '--connectors',
    join(root, 'connectors', 'outbox'),
    '--seconds',
    '6',
  ]).ended;
  expect(output).toMatch(
    /^outbox\.event\.order {2}key \d {2}id [0-9a-f-]{36} {2}type Order\w+ {2}\{"step": \d+, "order": \d\}$/m,
  );
  expect(output).toMatch(
    /^[1-9]\d* rows committed, \d+ events: each row exactly once, in order per aggregate, over 3 restarts$/m,
  );
  expect(code).toBe(0);
});

test('the demo finds one changed cell of the replica', async () => {
  const { code, output } = await demo('--seconds', '3', '--rate', '150', '--corrupt').ended;
  expect(output).toMatch(/^public\.products: columns differ \(title\), first at row \d+ in key order$/m);
  expect(output).toContain('replica differs from source: 1 of 6 tables');
  expect(output).not.toContain('replica equals source');
  expect(code).toBe(1);
});

test('Ctrl-C ends the demo early, with the proof', async () => {
  const run = demo('--seconds', '600', '--rate', '150');
  // Long enough for every kind of change, else there is no proof.
  await expect.poll(run.output, { timeout: 60_000 }).toMatch(/^ +8s /m);
  run.process.kill('SIGINT');
  const { code, output } = await run.ended;
  expect(output).toContain('asked to stop');
  expect(output).toMatch(/^replica equals source: 6 tables/m);
  expect(code, output).toBe(0);
  await expectNothingLeft(output);
});

test('Ctrl-C while servers start ends the demo and leaves nothing behind', async () => {
  const run = demo('--seconds', '600');
  await expect
    .poll(() => run.output().includes('starting') && existsSync(command.folder), { timeout: 30_000 })
    .toBe(true);
  run.process.kill('SIGINT');
  const { code, output } = await run.ended;
  expect(code).toBe(1);
  await expectNothingLeft(output);
});

test('a kill of the demo takes its servers with it', async () => {
  const run = demo('--seconds', '600');
  await expect.poll(() => serverPorts(run.output()).length, { timeout: 60_000 }).toBe(2);
  run.process.kill('SIGKILL');
  const { output } = await run.ended;
  const servers = async (): Promise<number> => {
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
    return serverPorts(output).filter((port) => stdout.includes(`-p ${port} `)).length;
  };
  await expect.poll(servers, { timeout: 20_000 }).toBe(0);
});
