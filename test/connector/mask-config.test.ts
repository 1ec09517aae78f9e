import { expect, test } from 'vitest';
import { maskConnector } from '../../src/connector/connector-classes.ts';
import { maskConfig } from '../../src/connector/parse-config.ts';
import { POSTGRES_SINK } from '../../src/connector/postgres-sink.ts';
import { POSTGRES_WAL_SOURCE } from '../../src/connector/postgres-wal-source.ts';

test('a printed config shows no password, wherever it stands', () => {
  const secrets = {
    'database.password': 'pw',
    'databse.password': 'pw',
    'x.secret.y': 'pw',
    'sasl.jaas.config': 'pw',
    'producer.override.sasl.jaas.config': 'pw',
    'aws.access.key': 'pw',
    'key.converter.basic.auth.user.info': 'u:pw',
    'value.converter.schema.registry.ssl.keystore.key': 'pw',
    'database.port': 'pw',
    'snapshot.mode': 'pw',
  };
  const masked = maskConfig(POSTGRES_WAL_SOURCE, {
    'database.user': 'u',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    ...secrets,
  });
  const asterisks = Object.fromEntries(Object.keys(secrets).map((key) => [key, '********']));
  expect(masked).toEqual({
    'database.user': 'u',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    ...asterisks,
  });
});

test.each([
  ['postgres://u:pw@h/d', 'postgres://u:********@h/d'],
  ['postgres://u:p@w@h/d', 'postgres://u:********@h/d'],
  ['postgres://u:p/w@${env:H}/d', 'postgres://u:********@${env:H}/d'],
  ['jdbc:postgresql://h/d?user=u&password=pw&ssl=true', 'jdbc:postgresql://h/d?user=u&password=********&ssl=true'],
  ['u:pw@h/d', '********'],
  ['postgres://u@h:5432/d', 'postgres://u@h:5432/d'],
])('of the URL %s it shows %s', (url, shown) => {
  expect(maskConfig(POSTGRES_SINK, { 'connection.url': url })['connection.url']).toBe(shown);
});

test.each(['database.pasword', 'database.pwd', 'database.passwort', 'password1', 'connection.pw', 'databse.user', 'x'])(
  'what stands under %s, which is no setting, is not shown',
  (key) => {
    for (const declaration of [POSTGRES_WAL_SOURCE, POSTGRES_SINK]) {
      expect(maskConfig(declaration, { [key]: 'word' })).toEqual({ [key]: '********' });
      expect(maskConfig(declaration, { [key]: '' })).toEqual({ [key]: '' });
    }
    expect(maskConnector({ [key]: 'word' })).toEqual({ [key]: '********' });
    expect(maskConnector({ 'connector.class': 'Nope', [key]: '${env:X}' })).toMatchObject({ [key]: '${env:X}' });
  },
);

test('what is known is shown: settings, other names of them, what has no effect and what is refused', () => {
  const shown = {
    name: 'n',
    'connector.class': 'PostgresWalSource',
    'database.server.name': 's',
    'topic.creation.default.retention.ms': '1',
    'plugin.name': 'pgoutput',
    'errors.log.enable': 'true',
    transforms: 'route',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  };
  expect(maskConfig(POSTGRES_WAL_SOURCE, shown)).toEqual(shown);
  const both = { 'connection.url': 'postgres://h/d', 'database.hostname': 'h', 'connector.class': 'Nope' };
  expect(maskConnector(both)).toEqual(both);
});

test('a printed config keeps references, which are no secrets', () => {
  const config = { 'database.password': '${env:PW}', 'database.hostname': 'h', 'some.token': '${dir:a:b}' };
  expect(maskConfig(POSTGRES_WAL_SOURCE, config)).toEqual(config);
  expect(maskConfig(POSTGRES_WAL_SOURCE, { 'database.password': 'pw${env:PW}' })['database.password']).toBe('********');
});

test('a config whose class is not known is masked by the names of its keys', () => {
  const config = {
    'connector.class': 'Nope',
    'database.password': 'pw',
    'connection.url': 'postgres://u:pw@h/d',
    'my.token': 'pw',
  };
  const shown = maskConnector(config);
  expect(JSON.stringify(shown)).not.toContain('pw');
  expect(shown['connector.class']).toBe('Nope');
});
