import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConnectorFile, readConnectorFiles, secretsOf } from '../../src/connector/load-file.ts';
import { parseConnector } from '../support/connector.ts';

const SOURCE = {
  'connector.class': 'PostgresWalSource',
  'database.hostname': 'db',
  'database.user': 'rowcast',
  'database.dbname': 'shop',
  'topic.prefix': 'shop',
  'slot.name': 'shop',
};
const SINK = {
  'connector.class': 'PostgresSink',
  'connection.url': 'postgres://rowcast@replica/shop',
  'topic.prefix': 'shop',
};

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(file: string, content: unknown): void {
  writeFileSync(join(directory, file), typeof content === 'string' ? content : JSON.stringify(content));
}

/** By file: the connector's name, or its problems. */
function look(): Record<string, unknown> {
  const files = readConnectorFiles(directory, {});
  return Object.fromEntries(
    files.map((read) => [basename(read.file), 'connector' in read ? read.connector.name : read.problems]),
  );
}

describe('the files of a directory', () => {
  test('are read one by one, so that a broken one hides no other', () => {
    write('a.json', '{"database.password": "s3cret", oops}');
    write('b.json', { name: 'good', config: SOURCE });
    write('c.json', { name: 'bad', config: { ...SINK, 'connection.url': 'x' } });
    write('.hidden.json', '{');
    write('notes.txt', '{');
    mkdirSync(join(directory, 'd.json'));
    expect(look()).toEqual({
      'a.json': [expect.stringMatching(/^is not JSON: at position \d+/)],
      'b.json': 'good',
      'c.json': [expect.stringMatching(/^connection\.url must be jdbc:postgresql/)],
      'd.json': ['is no regular file'],
    });
    const [, , third] = readConnectorFiles(directory, {});
    expect(third).toMatchObject({ name: 'bad', raw: { 'topic.prefix': 'shop' } });
  });

  test('may be none, but the directory must be there', () => {
    expect(look()).toEqual({});
    expect(() => readConnectorFiles(join(directory, 'gone'), {})).toThrow('gone cannot be read');
  });

  test('cannot have one name, one topic.prefix or one slot of a server twice', () => {
    write('a.json', { name: 'a', config: SOURCE });
    write('b.json', { name: 'a', config: SINK });
    write('c.json', { name: 'c', config: { ...SOURCE, 'slot.name': 'other' } });
    write('d.json', { name: 'd', config: { ...SOURCE, 'database.hostname': 'DB', 'topic.prefix': 'other' } });
    write('e.json', { name: 'e', config: { ...SOURCE, 'database.port': '5433', 'topic.prefix': 'third' } });
    expect(look()).toEqual({
      'a.json': 'a',
      'b.json': [expect.stringMatching(/a\.json already has the name "a"/)],
      'c.json': [expect.stringMatching(/^topic\.prefix "shop" is already the one of .*a\.json/)],
      'd.json': [expect.stringMatching(/^slot\.name "shop" is already the one of .*a\.json on the same server/)],
      'e.json': 'e',
    });
  });
});

describe('a file', () => {
  const parse = (config: object, env: Record<string, string> = {}): ConnectorFile =>
    parseConnector('c.json', JSON.stringify(config), env);

  test('may name its schema and begin with a byte order mark', () => {
    expect(parse({ $schema: 'x', name: 'n', config: { $schema: 'y', ...SOURCE } }).warnings).toEqual([]);
    expect(parseConnector('c.json', `\uFEFF${JSON.stringify({ $schema: 'x', ...SINK })}`, {}).name).toBe('c');
  });

  test('may have any key, even one that every object inherits', () => {
    const json = `{"constructor": "a", "toString": "b", "__proto__": "c", ${JSON.stringify(SINK).slice(1)}`;
    expect(parseConnector('c.json', json, {}).warnings).toEqual([
      'constructor is not a known setting',
      'toString is not a known setting',
      '__proto__ is not a known setting',
    ]);
    expect(() => parse({ ...SINK, 'connector.class': 'constructor' })).toThrow(
      'connector.class constructor is not known',
    );
  });

  test('may be what Connect answers, and says its name once', () => {
    const answered = { name: 'n', config: { name: 'n', ...SINK }, tasks: [{ connector: 'n', task: 0 }], type: 'sink' };
    expect(parse(answered).warnings).toEqual([]);
    expect(parse({ ...answered, initial_state: 'PAUSED' }).warnings).toEqual([
      'initial_state has no effect beside config',
    ]);
    expect(() => parse({ ...answered, name: 'other' })).toThrow('c.json: name is "other" beside config and "n" in it');
  });

  test('may have a registry of its own, which both converters share', () => {
    const file = parse({
      ...SOURCE,
      'key.converter': 'io.confluent.connect.avro.AvroConverter',
      'key.converter.schema.registry.url': 'https://r1:1, https://r2:2',
      'value.converter.schema.registry.url': 'https://r1:1, https://r2:2',
      'value.converter.basic.auth.credentials.source': 'USER_INFO',
      'value.converter.basic.auth.user.info': 'me:s3cret',
    });
    expect(file.warnings).toEqual([]);
    expect(file.config.registry).toEqual({
      urls: ['https://r1:1', 'https://r2:2'],
      basicAuth: 'me:s3cret',
      tls: { ca: undefined, cert: undefined, key: undefined, keyPassword: undefined, verifyHostname: true },
    });
    expect(parse(SINK).config.registry).toBeUndefined();
    const two = {
      ...SINK,
      'key.converter.schema.registry.url': 'http://a',
      'value.converter.schema.registry.url': 'http://b',
    };
    expect(() => parse(two)).toThrow(
      'value.converter.schema.registry.url and key.converter.schema.registry.url are one setting',
    );
    expect(() => parse({ ...SINK, 'value.converter.schema.registry.url': 'registry' })).toThrow(
      'schema.registry.url must be http',
    );
  });

  test('may use older names, and not disagree with itself', () => {
    const { 'topic.prefix': _, ...rest } = SOURCE;
    expect(parse({ ...rest, 'database.server.name': 'old' }).config).toMatchObject({ topicPrefix: 'old' });
    expect(parse({ ...SOURCE, 'database.server.name': 'shop' }).warnings).toEqual([]);
    expect(() => parse({ ...SOURCE, 'database.server.name': 'other' })).toThrow(
      'database.server.name and topic.prefix are one setting',
    );
  });

  test('tells its secrets: passwords, those in URLs, and what references named like one lead to', () => {
    const env = { HOST: 'db.example', PASSWORD: 'first', API_TOKEN: 'sec"ond' };
    const found = parse(
      {
        ...SOURCE,
        'database.hostname': '${env:HOST}',
        'database.password': '${env:PASSWORD}',
        'topic.creation.default.retention.ms': '${env:API_TOKEN}',
        'value.converter.schema.registry.url': 'http://u:th%69rd@r',
      },
      env,
    );
    expect([...secretsOf(found)].sort()).toEqual(['first', 'sec"ond', 'th%69rd', 'third', 'u:third']);
    expect(found.config).toMatchObject({ topicConfig: { 'retention.ms': 'sec"ond' } });
    const url = parse({ ...SINK, 'connection.url': 'postgres://u:p%40w@h/d?password=o' });
    expect([...secretsOf(url)].sort()).toEqual(['o', 'p%40w', 'p@w']);
  });

  test('takes no password for a secret that is also the name of its role or database', () => {
    const source = { ...SOURCE, 'database.user': 'rowcast', 'database.dbname': 'shop' };
    const secrets = (config: object, password: string): readonly string[] =>
      secretsOf(parse({ ...config, 'database.password': password }));
    expect([secrets(source, 'rowcast'), secrets(source, 'shop'), secrets(source, 'else')]).toEqual([[], [], ['else']]);
    const sink = { ...SINK, 'connection.url': 'postgres://rowcast@h/shop', 'connection.password': 'rowcast' };
    expect(secretsOf(parse(sink))).toEqual([]);
  });

  test('tells what may be a password under a misspelt key, and no ordinary word', () => {
    const strange = {
      'database.pasword': 'shop-word',
      'databse.password': 'other',
      'my.setting': 'Xk29sLq77',
      'my.word': 'a$b$c$d$',
      'databse.hostname': 'replica-1.example.com:5432',
      'my.path': '/etc/rowcast/shop',
      'my.token': '${env:NOT_SET}',
      'my.url': 'https://u:inside@h/',
    };
    const found = parse({ ...SINK, ...strange });
    expect(found.warnings).toHaveLength(Object.keys(strange).length);
    expect([...secretsOf(found)].sort()).toEqual(['Xk29sLq77', 'a$b$c$d$', 'inside', 'other', 'shop-word']);
  });

  test('tells parameters of a URL that mean nothing, and refuses those that were to make it safe', () => {
    const url = (query: string): ConnectorFile =>
      parse({ ...SINK, 'connection.url': `jdbc:postgresql://h/d?user=u&${query}` });
    expect(url('sslmode=verify-full').warnings).toEqual([]);
    const ignored = url('currentSchema=app&usr=x');
    expect(ignored.warnings).toEqual([
      'connection.url has the parameter currentSchema, which has no effect',
      'connection.url has the parameter usr, which has no effect; did you mean user?',
    ]);
    expect(ignored.config).not.toHaveProperty('connection.warnings');
    expect(() => url('sslmod=verify-full')).toThrow(
      'connection.url has the parameter sslmod, which is not supported: the connection would be less safe; did you mean sslmode?',
    );
    expect(url('password=a&b$c=d&e').warnings.join()).not.toMatch(/parameter [be]/);
    for (const name of ['SSLMode', 'slmode', 'sslpassword', 'ssl_min_protocol_version', 'channelBinding']) {
      expect(() => url(`${name}=x`), name).toThrow(`has the parameter ${name}, which is not supported`);
    }
  });

  test('never repeats a secret in what it says of it', () => {
    const canary = 's3c\\"r%et';
    const settings = ['database.password', 'database.port', 'snapshot.mode', 'tombstones.on.delete', 'slot.name'];
    for (const key of [
      ...settings,
      'databse.password',
      'transforms',
      'value.converter.schema.registry.url',
      'topic.prefix',
    ]) {
      const json = JSON.stringify({ ...SOURCE, 'slot.name': 'NO', [key]: canary });
      expect(said(json), key).not.toContain('s3c');
    }
    for (const url of [
      `postgres://u:${canary}@h/d`,
      `postgres://u:${canary}@h`,
      canary,
      `jdbc:mysql://u:${canary}@h/d`,
    ]) {
      expect(said(JSON.stringify({ ...SINK, 'connection.url': url })), url).not.toContain('s3c');
    }
    for (const json of [`{"database.password": "${canary}" oops`, `"${canary}"`, `{"a": {"password": "${canary}"}}`]) {
      expect(said(json), json).not.toContain('s3c');
    }
  });

  function said(json: string): string {
    try {
      return parseConnector('c.json', json, {}).warnings.join('\n');
    } catch (error) {
      return String((error as Error).stack) + String((error as Error).cause);
    }
  }
});
