import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ParsedConfig, parseConfig, type RawConfig } from '../../src/connector/parse-config.ts';
import type { WorkerConfig } from '../../src/worker/worker-config.ts';
import { WORKER_SETTINGS } from '../../src/worker/worker-settings.ts';

const CA = '-----BEGIN CERTIFICATE-----\nMIIBca\n-----END CERTIFICATE-----\n';
const KEY = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBkey\n-----END ENCRYPTED PRIVATE KEY-----\n';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}

function read(raw: RawConfig): ParsedConfig<WorkerConfig> {
  return parseConfig(WORKER_SETTINGS, { 'bootstrap.servers': 'k:9092', ...raw }, {});
}

describe('TLS', () => {
  test('is read from PEM files, of Java or of librdkafka', () => {
    const store = file('client.pem', `${KEY}${CA}`);
    const ca = file('ca.pem', CA);
    const java = read({
      'security.protocol': 'SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': ca,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': store,
      'ssl.key.password': 's3cret',
      'ssl.endpoint.identification.algorithm': '',
    });
    expect(java.problems).toEqual([]);
    expect(java.config?.kafka?.tls).toEqual({
      ca: CA,
      cert: CA,
      key: KEY,
      keyPassword: 's3cret',
      verifyHostname: false,
    });
    expect(java.secrets).toEqual(['s3cret']);
    const librdkafka = read({
      'security.protocol': 'ssl',
      'ssl.ca.location': ca,
      'ssl.certificate.location': ca,
      'ssl.key.location': file('key.pem', KEY),
    });
    expect(librdkafka.config?.kafka?.tls).toEqual({
      ca: CA,
      cert: CA,
      key: KEY,
      keyPassword: undefined,
      verifyHostname: true,
    });
  });

  test('refuses Java key stores and says how to convert them', () => {
    expect(read({ 'ssl.truststore.type': 'JKS' }).problems[0]).toMatch(
      /^ssl\.truststore\.type must be PEM: Java key stores cannot be read; export .*keytool -exportcert/,
    );
    const jks = file('store.jks', Buffer.from('feedfeed00000002', 'hex'));
    expect(read({ 'security.protocol': 'SSL', 'ssl.keystore.location': jks }).problems[0]).toMatch(
      /^ssl\.keystore\.location names .*store\.jks, which is not PEM.*openssl pkcs12/,
    );
  });

  test('needs files that exist, and a key for its certificate', () => {
    const problems = (raw: RawConfig): readonly string[] => read({ 'security.protocol': 'SSL', ...raw }).problems;
    expect(problems({ 'ssl.ca.location': 'nowhere.pem' })).toEqual([
      'ssl.truststore.location names nowhere.pem, which cannot be read',
    ]);
    expect(problems({ 'ssl.certificate.location': file('only.pem', CA) })[0]).toContain('belong together');
    expect(problems({ 'ssl.keystore.key': 's3cret' })).toEqual(['ssl.keystore.key holds no private key in PEM']);
  });
});

describe('SASL', () => {
  test('takes the login module of a Java client', () => {
    const entry =
      'org.apache.kafka.common.security.scram.ScramLoginModule required\n username="al\\"ice" password=\'s3c;ret\' ;';
    const found = read({
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': entry,
    });
    expect(found.config?.kafka?.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'al"ice', password: 's3c;ret' });
    expect(found.secrets).toEqual(expect.arrayContaining(['s3c;ret', entry]));
  });

  test.each([
    ['password=s3cret', 'sasl.jaas.config must be …ScramLoginModule'],
    [
      'com.sun.security.auth.module.Krb5LoginModule required password="s3cret";',
      'names com.sun.security.auth.module.Krb5LoginModule',
    ],
    ['x.PlainLoginModule required password="s3cret";', 'has no username'],
  ])('refuses %s without repeating it', (entry, message) => {
    const { problems } = read({
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': entry,
    });
    expect(problems[0]).toContain(message);
    expect(problems.join()).not.toContain('s3cret');
  });

  test('names what is missing, and what has no effect', () => {
    expect(read({ 'security.protocol': 'SASL_SSL' }).problems).toEqual([
      'sasl.mechanism is required: security.protocol is SASL_SSL',
      'sasl.jaas.config, or sasl.username and sasl.password, is required',
    ]);
    expect(read({ 'sasl.mechanism': 'GSSAPI' }).problems[0]).toContain('"GSSAPI" is not supported; supported: PLAIN');
    expect(read({ 'sasl.username': 'x' }).warnings).toEqual([
      'sasl.* has no effect while security.protocol is PLAINTEXT',
    ]);
  });
});

describe('OAUTHBEARER', () => {
  const OAUTH = {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.oauthbearer.token.endpoint.url': 'https://idp.example/oauth2/token',
  };
  const module = (options: string): string =>
    `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ${options};`;

  test('takes the client from the login module of a Java client', () => {
    const entry = module('clientId="me" clientSecret="s3cret" scope="kafka" extension_logicalCluster="lkc-1"');
    const { config, secrets, warnings } = read({
      ...OAUTH,
      'sasl.jaas.config': entry,
      'ssl.truststore.location': file('idp.pem', CA),
    });
    expect(config?.kafka?.sasl).toEqual({
      mechanism: 'oauthbearer',
      endpoint: 'https://idp.example/oauth2/token',
      clientId: 'me',
      clientSecret: 's3cret',
      scope: 'kafka',
      urlEncodes: false,
      extensions: { logicalCluster: 'lkc-1' },
      ca: CA,
    });
    expect(config?.kafka?.tls).toBeUndefined();
    expect(secrets).toEqual(expect.arrayContaining(['s3cret', entry]));
    expect(warnings).toEqual([]);
  });

  test('takes it from the newer settings, before the module', () => {
    const { config, warnings } = read({
      ...OAUTH,
      'sasl.oauthbearer.token.endpoint.url': 'http://idp.example/token',
      'sasl.jaas.config': module('clientId="old" clientSecret="old"'),
      'sasl.oauthbearer.client.credentials.client.id': 'me',
      'sasl.oauthbearer.client.credentials.client.secret': 's3cret',
      'sasl.oauthbearer.scope': 'kafka',
      'sasl.oauthbearer.header.urlencode': 'true',
    });
    expect(config?.kafka?.sasl).toMatchObject({
      clientId: 'me',
      clientSecret: 's3cret',
      scope: 'kafka',
      urlEncodes: true,
    });
    expect(warnings).toEqual([expect.stringContaining('is not https')]);
  });

  test.each<[RawConfig, string]>([
    [{ 'sasl.oauthbearer.token.endpoint.url': '' }, 'sasl.oauthbearer.token.endpoint.url must be https://'],
    [{ 'sasl.oauthbearer.token.endpoint.url': 'file:///token' }, 'must be https://host/path'],
    [{ 'sasl.oauthbearer.token.endpoint.url': 'https://u:s3cret@idp/' }, 'must hold no user and password'],
    [{}, 'sasl.jaas.config with clientId, or sasl.oauthbearer.client.credentials.client.id, is required'],
    [{ 'sasl.jaas.config': module('clientId="me"') }, 'client.credentials.client.secret, is required'],
    [
      { 'sasl.jaas.config': module('extension_a="s3cret\u0001auth=x"') },
      'an extension that cannot be sent: extension_a',
    ],
    [{ 'sasl.jaas.config': 'x.PlainLoginModule required username=a password=s3cret;' }, 'must name OAuthBearerLogin'],
    [{ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': module('') }, 'goes with sasl.mechanism=OAUTHBEARER'],
  ])('is refused with %j, without the secret', (more, message) => {
    const { problems } = read({ ...OAUTH, ...more });
    expect(problems.join('\n')).toContain(message);
    expect(problems.join('\n')).not.toContain('s3cret');
  });
});

describe('the listener', () => {
  const rest = (raw: RawConfig): unknown => {
    const { config, problems } = read(raw);
    return problems.length > 0 ? problems : config?.rest;
  };

  test('is open to this machine without a word, and to others only with one', () => {
    expect(rest({ listeners: 'http://[::1]:0' })).toMatchObject({ host: '::1', port: 0, authentication: 'none' });
    for (const open of ['http://0.0.0.0:80', 'http://:8083', 'HTTP://rowcast:1']) {
      expect(rest({ listeners: open })).toEqual([
        expect.stringMatching(/^listeners is open to other machines: set rest\.authentication/),
      ]);
    }
    expect(rest({ listeners: 'http://0.0.0.0:80', 'rest.authentication': 'none' })).toMatchObject({ host: '0.0.0.0' });
  });

  test('needs credentials of the right form', () => {
    expect(rest({ 'rest.authentication': 'bearer' })).toEqual([
      'rest.credentials is required: rest.authentication is bearer',
    ]);
    expect(rest({ 'rest.authentication': 'basic', 'rest.credentials': 's3cret' })).toEqual([
      'rest.credentials must be user:password: rest.authentication is basic',
    ]);
    expect(read({ 'rest.authentication': 'basic', 'rest.credentials': 'me:s3cret' }).secrets).toEqual([
      'me:s3cret',
      's3cret',
    ]);
  });

  test('speaks TLS on https with the key and certificate of its own settings', () => {
    const { config, problems } = read({
      listeners: 'https://127.0.0.1:8443',
      'listeners.https.ssl.keystore.location': file('listener.pem', `${KEY}${CA}`),
      'listeners.https.ssl.key.password': 's3cret',
      'listeners.https.ssl.truststore.certificates': CA,
      'listeners.https.ssl.client.auth': 'requested',
    });
    expect(problems).toEqual([]);
    expect(config?.rest).toMatchObject({
      port: 8443,
      https: { cert: CA, key: KEY, keyPassword: 's3cret', ca: CA, clientAuth: 'requested' },
    });
    const plain = read({ listeners: 'http://127.0.0.1:1', 'listeners.https.ssl.keystore.key': KEY });
    expect(plain.config?.rest?.https).toBeUndefined();
    expect(plain.warnings).toEqual(['listeners.https.ssl.* has no effect while listeners is not https']);
  });

  test('takes the key without a prefix when none has it, as Connect does', () => {
    const store = file('shared.pem', `${KEY}${CA}`);
    const { config, warnings } = read({ listeners: 'https://127.0.0.1:0', 'ssl.keystore.location': store });
    expect(config?.rest?.https).toMatchObject({ cert: CA, key: KEY, clientAuth: 'none' });
    expect(warnings).toEqual([]);
  });

  test('needs a key on https, and authorities where it asks for certificates', () => {
    expect(rest({ listeners: 'https://127.0.0.1:0' })).toEqual([
      expect.stringMatching(/^listeners\.https\.ssl\.keystore\.location, .* is required: listeners is https$/),
    ]);
    const own = { 'listeners.https.ssl.keystore.key': KEY, 'listeners.https.ssl.keystore.certificate.chain': CA };
    const required = { 'listeners.https.ssl.client.auth': 'required' };
    expect(rest({ listeners: 'https://127.0.0.1:0', ...own, ...required })).toEqual([
      'listeners.https.ssl.truststore.location is required: listeners.https.ssl.client.auth is required',
    ]);
    const trust = { 'listeners.https.ssl.truststore.certificates': CA };
    expect(rest({ listeners: 'https://0.0.0.0:0', ...own, ...trust })).toEqual([
      expect.stringMatching(/^listeners is open to other machines/),
    ]);
    expect(rest({ listeners: 'https://0.0.0.0:0', ...own, ...trust, ...required })).toMatchObject({
      authentication: 'none',
    });
    expect(rest({ listeners: 'https://127.0.0.1:0', 'listeners.https.ssl.keystore.location': 'nowhere.pem' })).toEqual([
      'listeners.https.ssl.keystore.location names nowhere.pem, which cannot be read',
    ]);
  });

  test.each(['eight thousand', 'ftp://127.0.0.1:8443', 'http://a:1,http://b:2', 'http://a:99999', '8083'])(
    'is not %s',
    (text) => {
      expect(rest({ listeners: text })).toEqual([expect.stringMatching(/^listeners must be one http:\/\/host:port/)]);
    },
  );
});

describe('the registry', () => {
  test('takes user and password from its URL or from a setting', () => {
    const { config, secrets } = read({
      'schema.registry.url': 'http://a:1/, http://b:2/base',
      'basic.auth.user.info': 'u:s3cret',
    });
    expect(config?.registry).toEqual({
      urls: ['http://a:1', 'http://b:2/base'],
      basicAuth: 'u:s3cret',
      tls: undefined,
    });
    expect(secrets).toEqual(expect.arrayContaining(['s3cret', 'u:s3cret']));
    expect(read({ 'schema.registry.url': 'http://u:p%40w@a' }).config?.registry?.basicAuth).toBe('u:p@w');
  });

  test('is refused where it does not fit together, without its password', () => {
    const problems = (raw: RawConfig): string => read(raw).problems.join('\n');
    expect(problems({ 'schema.registry.url': 'u:s3cret@registry' })).toBe(
      'schema.registry.url must be http://host:port or https://host:port, several separated by commas',
    );
    expect(problems({ 'basic.auth.user.info': 'u:p' })).toContain('schema.registry.url is required');
    expect(problems({ 'schema.registry.url': 'http://r', 'basic.auth.credentials.source': 'USER_INFO' })).toBe(
      'schema.registry.basic.auth.user.info is required',
    );
  });
});

test('no key of the worker is declared twice', () => {
  const keys = [
    ...Object.values<{ readonly key: string }>(WORKER_SETTINGS.settings).map(({ key }) => key),
    ...[WORKER_SETTINGS.ignored, WORKER_SETTINGS.unsupported, WORKER_SETTINGS.renamed].flatMap(Object.keys),
  ];
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
});
