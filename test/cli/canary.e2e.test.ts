import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase, uniqueName } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from './workplace.ts';

/** Stands in every place where a secret can stand, with what escaping, encoding and patterns trip over. */
const CANARY = `c4n"ry\\$&%41/+ü-${process.pid}`;

/** Keys that nobody reads, because they are misspelt. */
const MISSPELT = Object.fromEntries(
  ['database.pasword', 'database.pwd', 'database.passwort', 'password1', 'connection.pw', 'conection.word'].map(
    (key) => [key, CANARY],
  ),
);

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

/** The forms in which the canary may show itself. */
const FORMS = [
  CANARY,
  JSON.stringify(CANARY).slice(1, -1),
  encodeURIComponent(CANARY),
  Buffer.from(CANARY).toString('base64').replace(/=+$/, ''),
  Buffer.from(`operator:${CANARY}`).toString('base64'),
];

function assertNoCanary(text: string, where: string): void {
  for (const form of FORMS) expect(text.includes(form), `${where} shows the canary as ${form}`).toBe(false);
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Command lines and environments that others may see. */
async function processLines(): Promise<string> {
  const lines: string[] = [];
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (/^\d+$/.test(pid)) lines.push(await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => ''));
  }
  return lines.join('\n');
}

async function writeConnectors(
  place: Workplace,
  source: Parameters<typeof sourceConfig>[0],
  sink: typeof source,
): Promise<void> {
  await place.write('source.json', { name: 'watched', config: { ...sourceConfig(source, 'watched'), ...MISSPELT } });
  await place.write('sink.json', { name: 'follower', config: { ...sinkConfig(sink, 'watched'), ...MISSPELT } });
  await place.write('misspelt.json', { name: 'misspelt', config: { 'connector.class': 'Nope', ...MISSPELT } });
  const url = `postgres://${source.user}:${encodeURIComponent(CANARY)}@127.0.0.1:${sink.port}/nowhere`;
  const inUrl = { ...sinkConfig(sink, 'watched'), 'connection.url': url, 'connection.password': '' };
  const { 'connection.password': _, ...config } = inUrl;
  await place.write('url.json', { name: 'url', config });
  await place.write('wrong.json', { name: 'wrong', config: sourceConfig({ ...source, user: 'nobody' }, 'wrong') });
  await place.write('invalid.json', {
    name: 'invalid',
    config: { ...sourceConfig(source, 'invalid'), 'database.port': CANARY, 'databse.password': CANARY },
  });
  await place.write('broken.json', `{"name": "broken", "config": {"database.password": ${JSON.stringify(CANARY)} oops`);
  await place.write('registry.json', {
    name: 'registry',
    config: sourceConfig(source, 'registry', {
      'value.converter.schema.registry.url': 'http://127.0.0.1:9',
      'value.converter.schema.registry.basic.auth.user.info': `operator:${CANARY}`,
    }),
  });
}

test('a password that stands everywhere is shown nowhere', async () => {
  await using source = await freshDatabase('canary_source');
  await using replica = await freshDatabase('canary_replica');
  const role = uniqueName('canary');
  await source.query(`create role ${role} login superuser replication password '${CANARY.replaceAll("'", "''")}';
    create table public.item (id int primary key); insert into public.item values (1)`);
  const secret = { user: role, password: CANARY };
  await using place = await makeWorkplace();
  await writeConnectors(place, { ...source.settings, ...secret }, { ...replica.settings, ...secret });
  const env = {
    ROWCAST_REST_AUTHENTICATION: 'basic',
    ROWCAST_REST_CREDENTIALS: `operator:${CANARY}`,
    ROWCAST_SASL_PASSWORD: CANARY,
    ROWCAST_LOG_LEVEL: 'debug',
  };
  const run = place.start(command, [], env);
  try {
    const url = await place.url();
    const rows = async (): Promise<unknown> => await replica.query('select id from public.item').catch(() => []);
    await expect.poll(rows, { timeout: 90_000 }).toEqual([{ id: 1 }]);
    await expect.poll(() => run.output(), { timeout: 60_000 }).toMatch(/"connector":"wrong".*password authentication/);
    const authorization = `Basic ${Buffer.from(env.ROWCAST_REST_CREDENTIALS).toString('base64')}`;
    const names = ['watched', 'follower', 'url', 'wrong', 'invalid', 'registry', 'misspelt', 'nobody'];
    const paths = [
      '/',
      '/connectors?expand=info&expand=status',
      ...names.flatMap((name) =>
        ['', '/config', '/status', '/tasks', '/offsets'].map((path) => `/connectors/${name}${path}`),
      ),
      '/connector-plugins',
      '/connector-plugins/PostgresSink/config',
      '/subjects',
      '/schemas',
      '/config',
      '/health',
      '/ready',
      '/metrics',
    ];
    for (const path of paths) {
      const answer = await fetch(url + path, { headers: { authorization } });
      assertNoCanary(`${await answer.text()} ${JSON.stringify([...answer.headers])}`, path);
    }
    expect((await fetch(`${url}/connectors`)).status).toBe(401);
    assertNoCanary(await processLines(), 'a command line');
    for (const args of [
      ['check', '--connectors', place.connectors, '--state', place.state],
      ['offsets', '--connectors', place.connectors, '--state', place.state],
      ...(await readdir(place.connectors)).map((file) => ['config', '--file', join(place.connectors, file)]),
    ]) {
      const { output } = await command.run(args, env).ended;
      expect(output).not.toBe('');
      assertNoCanary(output, args.join(' '));
    }
  } finally {
    run.process.kill('SIGTERM');
  }
  expect((await run.ended).code).toBe(0);
  assertNoCanary(run.output(), 'the log');
  for (const file of await filesBelow(place.state)) assertNoCanary(await readFile(file, 'latin1'), file);
  await source.query(`drop owned by ${role}`);
});
