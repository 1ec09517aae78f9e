import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, freshDatabase, uniqueName } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand, type Run } from './command.ts';
import { ANSWERED, ask, type Expectation, meet, type Scene } from './connect-rest/expectation.ts';
import { AFTER_RESTART, CHANGED, CREATED, OFFSETS } from './connect-rest/life-rows.ts';
import { DEBEZIUM } from './connect-rest/rows.ts';
import { AROUND, UNKNOWN } from './connect-rest/unknown-rows.ts';
import { WRONG, WRONG_CONNECTORS } from './connect-rest/wrong-rows.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from './workplace.ts';

/** What is recorded of Kafka Connect 4.1, and what else can be asked, rightly or wrongly. */
const TABLE = [...UNKNOWN, ...AROUND, ...WRONG, ...WRONG_CONNECTORS, ...CREATED, ...CHANGED, ...OFFSETS];

let command: BuiltCommand;
let source: Database;
let replica: Database;
let place: Workplace;
let run: Run;
let scene: Scene;
/** A role with a password that is found nowhere. */
const role = uniqueName('rest_role');
const PASSWORD = 'canary-4711';

beforeAll(async () => {
  command = await buildCommand();
  source = await freshDatabase('rest_source');
  replica = await freshDatabase('rest_replica');
  place = await makeWorkplace();
  await source.query(`create role ${role} superuser login password '${PASSWORD}'`);
  await source.query(`create table item (id int primary key, note text); insert into item values (1, 'copied')`);
});
afterAll(async () => {
  await command[Symbol.asyncDispose]();
  await source.query(`drop owned by ${role}; drop role ${role}`);
  await source[Symbol.asyncDispose]();
  await replica[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function started(env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const next = place.start(command, [], env);
  await expect.poll(() => next.output(), { timeout: 60_000 }).toContain('"msg":"daemon started"');
  return next;
}

test('a daemon without any file is up', async () => {
  run = await started();
  const given = sourceConfig(source.settings, 'rest', { 'connector.class': DEBEZIUM, 'plugin.name': 'pgoutput' });
  scene = {
    url: await place.url(),
    source: { ...given, 'database.user': role, 'database.password': PASSWORD },
    sink: sinkConfig(replica.settings, 'rest'),
    directory: place.connectors,
  };
  await place.write('broken.json', { name: 'broken', config: { 'database.password': 'secret-broken' } });
  await place.write('.hidden.json', '{');
});

const title = ({ method, path, about = '' }: Expectation, status: number): string =>
  `${method} ${path.slice(0, 90)} ${about}: ${status}`;

test.each(TABLE.map((row): [string, Expectation] => [title(row, row.status), row]))('%s', async (_, row) => {
  await meet(scene, row);
});

test('configs are files of Connect form that only their owner can read, with the secrets that were sent', async () => {
  const names = (await readdir(scene.directory)).sort();
  expect(names).toEqual(['.hidden.json', 'broken.json', 'later.json', 'shop-sink.json', 'shop-source.json']);
  const file = join(scene.directory, 'shop-source.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ name: 'shop-source', config: scene.source });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('nothing that the daemon logs holds a password', () => {
  expect(run.output()).not.toMatch(/canary-4711|secret-/);
});

test('what was paused or stopped is so after a restart of the daemon', async () => {
  run.process.kill('SIGTERM');
  expect((await run.ended).code).toBe(0);
  run = await started();
  scene = { ...scene, url: await place.url() };
  for (const row of AFTER_RESTART) await meet(scene, row);
  expect(await readdir(scene.directory)).toEqual(['.hidden.json']);
});

test('with rest.connectors=read-only files are named instead, and what runs can be paused', async () => {
  run.process.kill('SIGTERM');
  await run.ended;
  await place.write('by-hand.json', { name: 'shop-sink', config: sinkConfig(replica.settings, 'rest') });
  run = await started({ ROWCAST_REST_CONNECTORS: 'read-only' });
  scene = { ...scene, url: await place.url() };
  const config = JSON.stringify({ name: 'x', config: scene.sink });
  const json = { 'content-type': 'application/json' };
  const refused = await Promise.all([
    ask(scene, 'POST', '/connectors', config, json),
    ask(scene, 'PUT', '/connectors/x/config', JSON.stringify(scene.sink), json),
    ask(scene, 'PATCH', '/connectors/shop-sink/config', '{}', json),
    ask(scene, 'DELETE', '/connectors/shop-sink'),
  ]);
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
  expect(refused[0]?.text).toContain(`put a file into ${place.connectors}`);
  expect(refused[3]?.text).toContain(`change or remove ${join(place.connectors, 'by-hand.json')}`);
  await meet(scene, { method: 'PUT', path: '/connectors/shop-sink/pause', status: 202 });
  expect((await ask(scene, 'DELETE', '/connectors/nope')).status).toBe(404);
  run.process.kill('SIGTERM');
  const { code, output } = await run.ended;
  expect(code).toBe(0);
  expect(output).not.toContain('secret-');
  const told = [...ANSWERED, output].filter((each) => each.includes(PASSWORD) || each.includes('secret-'));
  expect(told).toEqual([]);
});
