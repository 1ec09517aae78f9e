import { expect, test } from 'vitest';
import { maskConfig } from '../../src/connector/parse-config.ts';
import { POSTGRES_SINK } from '../../src/connector/postgres-sink.ts';
import { POSTGRES_WAL_SOURCE } from '../../src/connector/postgres-wal-source.ts';

test('a printed config shows no password, wherever it stands', () => {
  expect(
    maskConfig(POSTGRES_WAL_SOURCE, { 'database.password': 'pw', 'database.user': 'u', 'x.secret.y': 'pw' }),
  ).toEqual({
    'database.password': '********',
    'database.user': 'u',
    'x.secret.y': '********',
  });
  const url = (text: string): string | undefined =>
    maskConfig(POSTGRES_SINK, { 'connection.url': text })['connection.url'];
  expect(url('postgres://u:pw@h/d')).toBe('postgres://u:********@h/d');
  expect(url('jdbc:postgresql://h/d?user=u&password=pw&ssl=true')).toBe(
    'jdbc:postgresql://h/d?user=u&password=********&ssl=true',
  );
});

test('a printed config keeps references, which are no secrets', () => {
  const config = { 'database.password': '${env:PW}', 'database.hostname': 'h' };
  expect(maskConfig(POSTGRES_WAL_SOURCE, config)).toEqual(config);
});
