import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer as createWebServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres } from '../../src/servers/postgres-server.ts';
import { freshDatabase, uniqueName } from '../support/postgres.ts';
import { BAD_FILES, BAD_LINKS, CLOSED_DIRECTORY } from './bad-states/files.ts';
import { badStarts } from './bad-states/daemon.ts';
import { type BadServer, badServers, sourcePreparation } from './bad-states/servers.ts';
import { type BuiltCommand, buildCommand, type Run } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

/** A command that has not ended by then hangs. */
const PATIENCE_MS = 30_000;
let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

interface LogLine {
  readonly msg: string;
  readonly connector?: string;
  readonly file?: string;
  readonly problem?: string;
  readonly message?: string;
  readonly advice?: string;
}

function logOf(run: Run): LogLine[] {
  const lines = run.output().split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
}

/** With SHOW_MESSAGES=1 the table of states, messages and remedies is printed. */
function show(state: string, message: string, advice: string = ''): void {
  if (process.env.SHOW_MESSAGES === '1') process.stdout.write(`| ${state} | ${message} | ${advice} |\n`);
}

/** The words of the log about one connector that match what must be said, or undefined. */
function told(run: Run, name: string, { says, advises }: BadServer): LogLine | undefined {
  return logOf(run).find(
    ({ connector, msg, message = '', advice = '' }) =>
      connector === name && says.test(`${msg}: ${message}`) && advises.test(advice),
  );
}

test('every bad file and every bad server is told with the remedy, and the good pair goes on', async () => {
  const suffix = uniqueName('bad');
  await using source = await freshDatabase('bad_source');
  await using replica = await freshDatabase('bad_replica');
  await using target = await freshDatabase('bad_target');
  await using replicaLevel = await startPostgres({ settings: { wal_level: 'replica' } });
  await using fullSlots = await startPostgres({ settings: { max_replication_slots: '1' } });
  await using only = await freshDatabase('bad_slots', fullSlots.settings());
  await only.query(`select pg_create_physical_replication_slot('taken')`);
  await using noSenders = await startPostgres({ settings: { max_wal_senders: '0' } });
  await source.query(`create table public.item (id int primary key, note text);
    insert into public.item values (1, 'copied')`);
  for (const statement of sourcePreparation(suffix, source.settings.database)) await source.query(statement);
  const web = createWebServer((_, answer) => answer.end('hello')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  await using place = await makeWorkplace();
  const cases = badServers(
    {
      source: source.settings,
      replica: replica.settings,
      target: target.settings,
      replicaLevel: replicaLevel.settings(),
      fullSlots: fullSlots.settings(),
      noSenders: noSenders.settings(),
      deadPort: await unusedPort(),
      webPort: portOf(web),
      goodPrefix: 'good',
    },
    suffix,
  );
  await place.write('good-source.json', { name: 'good-source', config: sourceConfig(source.settings, 'good') });
  await place.write('good-sink.json', { name: 'good-sink', config: sinkConfig(replica.settings, 'good') });
  for (const [file, { content }] of Object.entries(BAD_FILES)) {
    await place.write(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  await mkdir(join(place.directory, CLOSED_DIRECTORY), { mode: 0 });
  for (const [file, { to }] of Object.entries(BAD_LINKS)) await symlink(to, join(place.connectors, file));
  for (const [name, { config }] of Object.entries(cases)) await place.write(`${name}.json`, { name, config });
  const run = place.start(command);
  try {
    const rows = async (): Promise<unknown> =>
      await replica.query('select id, note from public.item order by id').catch(() => 'no table yet');
    await expect.poll(rows, { timeout: 90_000 }).toEqual([{ id: 1, note: 'copied' }]);
    const silent = (): string[] =>
      Object.entries(cases).flatMap(([name, each]) => (told(run, name, each) === undefined ? [name] : []));
    await expect.poll(silent, { timeout: 60_000, interval: 500 }).toEqual([]);
    for (const [file, { state, says }] of Object.entries({ ...BAD_FILES, ...BAD_LINKS })) {
      const problems = logOf(run).flatMap((line) => (line.file?.endsWith(`/${file}`) ? [line.problem] : []));
      expect(problems.join('\n'), state).toMatch(says);
      show(state, problems[0] ?? '', 'Correct the file.');
    }
    for (const [name, each] of Object.entries(cases)) {
      const { msg, message = msg, advice = '' } = told(run, name, each) as LogLine;
      show(each.state, message, advice);
    }
    await source.query(`insert into public.item values (2, 'streamed')`);
    await expect.poll(rows, { timeout: 60_000 }).toEqual([
      { id: 1, note: 'copied' },
      { id: 2, note: 'streamed' },
    ]);
  } finally {
    run.process.kill('SIGTERM');
    await chmod(join(place.directory, CLOSED_DIRECTORY), 0o700);
    web.close();
    await source.query(`drop owned by plain_${suffix}, copier_${suffix}, blind_${suffix};
      drop role plain_${suffix}, copier_${suffix}, blind_${suffix}`);
  }
  expect((await run.ended).code).toBe(0);
});

test('two daemons with one slot: the second is told, and waits', async () => {
  await using source = await freshDatabase('bad_twice');
  await source.query(`create table public.item (id int primary key)`);
  await using first = await makeWorkplace();
  await using second = await makeWorkplace();
  const config = sourceConfig(source.settings, 'twice');
  await first.write('source.json', { name: 'twice', config });
  await second.write('source.json', { name: 'twice-too', config });
  const owner = first.start(command);
  await expect.poll(() => owner.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
  const other = second.start(command);
  const refusal = (): LogLine | undefined =>
    logOf(other).find(({ message }) => /Slot "twice_slot" is held by another connection/.test(message ?? ''));
  await expect.poll(refusal, { timeout: 60_000 }).toMatchObject({
    advice: expect.stringMatching(/stop it, or set another slot\.name/) as unknown,
  });
  for (const run of [owner, other]) run.process.kill('SIGTERM');
  expect([(await owner.ended).code, (await other.ended).code]).toEqual([0, 0]);
});

test('what keeps a daemon from starting is told with the remedy, and the command ends', async () => {
  await using place = await makeWorkplace();
  await using taken = await makeWorkplace();
  const holder = taken.start(command);
  await taken.url();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wrong: string[] = [];
  for (const { state, flags = [], env = {}, files = {}, code, says, advises } of badStarts({
    port: portOf(server),
    state: taken.state,
  })) {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(place.directory, file)), { recursive: true });
      await writeFile(join(place.directory, file), text);
    }
    const found = flags.map((flag) => (Object.hasOwn(files, flag) ? join(place.directory, flag) : flag));
    const run = place.start(command, found, env);
    const patience = setTimeout(() => run.process.kill('SIGKILL'), PATIENCE_MS);
    const { code: actual, output } = await run.ended;
    clearTimeout(patience);
    const [message = '', advice] = output.split('\n').filter((line) => !line.startsWith('{'));
    show(state, message, advice);
    if (actual !== code || !says.test(output) || !advises.test(output)) wrong.push(`${state}: ${actual}: ${output}`);
  }
  server.close();
  holder.process.kill('SIGTERM');
  expect((await holder.ended).code).toBe(0);
  expect(wrong).toEqual([]);
});

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The server does not listen');
  return address.port;
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}
