import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function config(args: readonly string[], env: Record<string, string> = {}): Promise<Printed> {
  const printed = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((printed.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((printed.err += String(text)), true));
  const code = await run(['config', ...args], env);
  vi.restoreAllMocks();
  return { code, ...printed };
}

function file(name: string, content: object | string): string {
  const path = join(directory, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const SOURCE = {
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'database.hostname': 'h',
  'database.user': '${env:WHO}',
  'database.password': 's3cret',
  'database.dbname': 'd',
  'database.server.name': 'p',
};

test('lists what can be configured', async () => {
  const { code, out } = await config([]);
  expect(code).toBe(0);
  for (const name of ['PostgresWalSource', 'io.debezium.connector.jdbc.JdbcSinkConnector', 'worker'])
    expect(out).toContain(name);
});

test('shows the settings of a class, by any of its names', async () => {
  for (const name of ['PostgresWalSource', 'postgreswalsource', 'PostgresConnector']) {
    const { code, out } = await config([name]);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/slot\.name +STRING +high +never += (rowcast|debezium)\n +Replication slot/),
    ]);
  }
  expect((await config(['worker'])).out).toMatch(/bootstrap\.servers +LIST +high +daemon +not set/);
});

test("prints Connect's ConfigDef, the schema and the page", async () => {
  const def = JSON.parse((await config(['PostgresSink', '--json'])).out) as readonly { name: string }[];
  expect(def.map(({ name }) => name)).toContain('connection.url');
  expect(JSON.parse((await config(['worker', '--schema'])).out)).toMatchObject({ title: 'Rowcast worker' });
  expect(JSON.parse((await config(['--schema'])).out)).toMatchObject({ title: 'Rowcast connector' });
  expect((await config(['PostgresSink', '--markdown'])).out).toMatch(/^# PostgresSink\n/);
});

test('shows what a file amounts to, and where each value comes from', async () => {
  const path = file('shop.json', { name: 'shop', config: { ...SOURCE, 'slot.nam': 'x' } });
  const { code, out } = await config(['--file', path], { WHO: 'me' });
  expect(code).toBe(0);
  expect(out).toMatch(/database\.user +\$\{env:WHO\} +file\n/);
  expect(out).toMatch(/database\.password +\*{8} +file\n/);
  expect(out).toMatch(/slot\.name +debezium +default of io\.debezium/);
  expect(out).toMatch(/topic\.prefix +p +file, as database\.server\.name\n/);
  expect(out).toMatch(/snapshot\.mode +initial +default\n/);
  expect(out).toContain('warning: slot.nam is not a known setting; did you mean slot.name?');
  expect(out).toContain('The file is valid.');
  expect(out).not.toContain('s3cret');
});

test('says everything that is wrong with a file, and exits with 1', async () => {
  const path = file('bad.json', { name: 'bad', config: { ...SOURCE, 'database.port': 's3cret' } });
  const { code, out, err } = await config(['--file', path]);
  expect(code).toBe(1);
  expect(err).toContain(`${path}: database.port must be a whole number`);
  expect(err).toContain(`${path}: database.user refers to the environment variable WHO, which is not set`);
  expect(out).toContain('The file is not valid: 2 to correct.');
  expect(out + err).not.toContain('s3cret');
  const asJson = JSON.parse((await config(['--file', path, '--json'])).out) as { problems: readonly string[] };
  expect(asJson.problems).toHaveLength(2);
});

test('shows the defaults of another class as they are, also one that has to be changed', async () => {
  const sink = {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'connection.url': 'jdbc:postgresql://h/d',
    'connection.password': 's3cret',
  };
  const { out } = await config(['--file', file('jdbc.json', { name: 'jdbc', config: sink })]);
  expect(out).toMatch(/^insert\.mode +insert +default of io/m);
  expect(out).toMatch(/^connection\.password +\*{8} +file/m);
});

test("shows the daemon's settings with the place of each", async () => {
  const path = file('worker.properties', 'log.level=debug\nrest.credentials=u:s3cret\n');
  const { code, out } = await config(['worker', '--file', path], { ROWCAST_STATE_DIR: 'there' });
  expect(code).toBe(0);
  expect(out).toMatch(/state\.dir +there +ROWCAST_STATE_DIR\n/);
  expect(out).toMatch(/log\.level +debug +.*worker\.properties\n/);
  expect(out).not.toContain('s3cret');
});

test('knows wrong usage from a class or file that is not there', async () => {
  expect((await config(['--schema', '--json'])).code).toBe(2);
  const unknown = await config(['Nope']);
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('There is no class Nope')]);
  expect((await config(['--file', 'nowhere.json'])).err).toContain('nowhere.json cannot be read');
});
