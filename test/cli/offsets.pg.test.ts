import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';
import type { OperatorAnswer } from '../../src/worker/rest/daemon-view.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { goldenState, goldenText } from '../golden/golden.ts';
import { sinkConfig, sourceConfig } from './workplace.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
async function rowcast(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Told> {
  const told = { out: '', err: '' };
  const hear = (stream: NodeJS.WriteStream, to: 'out' | 'err'): void => {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      told[to] += String(text);
      return true;
    });
  };
  hear(process.stdout, 'out');
  hear(process.stderr, 'err');
  try {
    return { code: await run(args, env), ...told };
  } finally {
    vi.restoreAllMocks();
  }
}

/** A source, a replica that is behind, and the state of the daemon that ran them; nothing runs. */
async function stoppedPair() {
  const source = await freshDatabase('cli_source');
  const target = await freshDatabase('cli_target');
  await target.query(goldenText('target.sql'));
  const state = goldenState();
  const connectors = await mkdtemp(join(tmpdir(), 'rowcast-connectors-'));
  const file = (name: string, config: object): Promise<void> =>
    writeFile(join(connectors, `${name}.json`), JSON.stringify({ name, config }));
  await file('shop', sourceConfig(source.settings, 'shop', { 'slot.name': `cli_${source.settings.database}` }));
  await file('replica', sinkConfig(target.settings, 'shop'));
  return {
    source,
    target,
    state,
    connectors,
    flags: ['--connectors', connectors, '--state', state],
    async [Symbol.asyncDispose]() {
      await rm(state, { recursive: true });
      await rm(connectors, { recursive: true });
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

async function makeSlot(source: Database): Promise<void> {
  const slot = `cli_${source.settings.database}`;
  await source.query(/* sql */ `select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
}

test('offsets show both sides without a daemon, as lines and as Connect has them', async () => {
  await using world = await stoppedPair();
  const lines = await rowcast(['offsets', ...world.flags]);
  expect(lines.code, lines.err).toBe(0);
  expect(lines.out).toMatch(/^replica \(sink\)\n {2}target .*\n(.*\n)* {2}log .* behind/m);
  expect(lines.out).toMatch(/shop \(source\)\n(.*\n)* {2}slot {4}".*" does not exist/);
  const json = await rowcast(['offsets', 'replica', '--json', ...world.flags]);
  expect(JSON.parse(json.out)).toMatchObject({
    replica: { offsets: [{ partition: { kafka_topic: 'shop.checkpoints', kafka_partition: 0 } }] },
  });
  expect((await rowcast(['offsets', 'shopp', ...world.flags])).err).toContain('There are: replica, shop');
});

test('nothing is changed without --yes when nobody can be asked', async () => {
  await using world = await stoppedPair();
  const before = await world.target.query('select * from rowcast.progress');
  for (const args of [
    ['offsets', 'reset', 'replica'],
    ['offsets', 'accept', 'shop'],
    ['delete', 'replica', '--drop-progress'],
  ]) {
    const { code, err, out } = await rowcast([...args, ...world.flags]);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain('Nothing was done');
    expect(err).toContain('Add --yes.');
  }
  expect(await world.target.query('select * from rowcast.progress')).toEqual(before);
  expect(existsSync(join(world.connectors, 'replica.json'))).toBe(true);
});

test('a sink is reset, and its progress removed together with its file', async () => {
  await using world = await stoppedPair();
  const reset = await rowcast(['offsets', 'reset', 'replica', '--yes', ...world.flags]);
  expect(reset.code, reset.err).toBe(0);
  expect(reset.out).toContain('is forgotten');
  expect(await world.target.query('select checkpoint_offset from rowcast.progress')).toEqual([
    { checkpoint_offset: null },
  ]);
  const deleted = await rowcast(['delete', 'replica', '--drop-progress', '--yes', ...world.flags]);
  expect(deleted.code, deleted.err).toBe(0);
  expect(deleted.out).toContain('schema rowcast was empty and is dropped');
  expect(existsSync(join(world.connectors, 'replica.json'))).toBe(false);
  const again = await rowcast(['delete', 'replica', '--yes', ...world.flags]);
  expect(again.code).toBe(1);
  expect(again.err).toMatch(/^There is no connector "replica"/);
  expect(readFileSync(join(world.state, 'log', 'releases.json'), 'utf8')).not.toContain('replica');
});

test('a slot is dropped only when that is asked for, and the file stays with --keep-file', async () => {
  await using world = await stoppedPair();
  const { source, connectors, flags } = world;
  await makeSlot(source);
  const slots = (): Promise<unknown[]> =>
    source.query('select from pg_replication_slots where database = current_database()');
  const kept = await rowcast(['delete', 'shop', '--keep-file', '--yes', ...flags]);
  expect(kept.code, kept.err).toBe(0);
  expect(kept.out).toContain('select pg_drop_replication_slot(');
  expect(await slots()).toHaveLength(1);
  const dropped = await rowcast(['delete', 'shop', '--drop-slot', '--drop-publication', '--yes', ...flags]);
  expect(dropped.code, dropped.err).toBe(0);
  expect(await slots()).toEqual([]);
  expect(existsSync(join(connectors, 'shop.json'))).toBe(false);
});

test('a daemon that runs is asked instead, with its credentials', async () => {
  await using world = await stoppedPair();
  const asked: { authorization: string | undefined; body: unknown }[] = [];
  const answer: OperatorAnswer = { lines: ['done by the daemon'], value: { by: 'daemon' } };
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      // It knows no connector: what becomes of them is said by its answer.
      response.setHeader('content-type', 'application/json').end('{}');
      return;
    }
    textOf(request).then(
      (body) => {
        asked.push({ authorization: request.headers.authorization, body: JSON.parse(body) as unknown });
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
      },
      (error: unknown) => response.destroy(error as Error),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await writeFile(join(world.state, 'daemon.json'), JSON.stringify({ pid: process.pid, url, version: '0' }));
  const env = { ROWCAST_REST_AUTHENTICATION: 'basic', ROWCAST_REST_CREDENTIALS: 'ann:canary' };
  try {
    const told = await rowcast(['offsets', 'accept', 'shop', '--from-now', '--yes', ...world.flags], env);
    expect(told.code, told.err).toBe(0);
    expect(told.out).toBe('done by the daemon\n');
    expect(asked).toEqual([
      {
        authorization: `Basic ${Buffer.from('ann:canary').toString('base64')}`,
        body: { kind: 'accept', connector: 'shop', fromNow: true },
      },
    ]);
    const deleted = await rowcast(['delete', 'gone', '--drop-slot', '--yes', '--json', ...world.flags], env);
    expect(JSON.parse(deleted.out)).toEqual({ by: 'daemon' });
    expect(`${told.out}${told.err}${deleted.out}${deleted.err}`).not.toContain('canary');
  } finally {
    server.close();
    server.closeAllConnections();
  }
  // It has gone and left its file behind: the log is free.
  const direct = await rowcast(['offsets', ...world.flags], env);
  expect(direct.code, direct.err).toBe(0);
  expect(direct.out).toContain('shop (source)');
});

test('a state directory where nothing has run is said to be one', async () => {
  await using world = await stoppedPair();
  const { code, err } = await rowcast(['offsets', '--connectors', world.connectors, '--state', `${world.state}-other`]);
  expect(code).toBe(1);
  expect(err).toContain('There is no log in the state directory');
});

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
