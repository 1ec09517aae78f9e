import { expect, test } from 'vitest';
import { maskConnector } from '../../../src/connector/connector-classes.ts';
import { keepSecrets } from '../../../src/worker/connectors/keep-secrets.ts';

const STORED = {
  'connector.class': 'PostgresSink',
  'connection.url': 'postgres://u:canary@h/d?sslmode=require',
  'connection.password': '${env:DB_PASSWORD}',
  _comment: 'canary',
  'topic.prefix': 'p',
};

test('what is shown and sent back stays as it is stored: secrets, references, comments', () => {
  expect(JSON.stringify(maskConnector(STORED))).not.toContain('canary');
  expect(keepSecrets(maskConnector(STORED), STORED)).toEqual(STORED);
});

test('other settings change, also a secret that is sent', () => {
  const given = { ...maskConnector(STORED), 'topic.prefix': 'q', 'connection.password': 'new' };
  expect(keepSecrets(given, STORED)).toEqual({ ...STORED, 'topic.prefix': 'q', 'connection.password': 'new' });
});

test.each<[string, Record<string, string>]>([
  ['a mask where nothing is stored', { 'ssl.key.password': '********' }],
  ['a mask in place of a reference', { 'connection.password': '********' }],
  ['a mask inside of a value that was changed', { 'connection.url': 'postgres://u:********@other/d?sslmode=require' }],
  ['a mask in place of what was never masked', { 'topic.prefix': '********' }],
])('%s is refused, and the key is named', (_, given) => {
  expect(() => keepSecrets(given, STORED)).toThrow(`${Object.keys(given)[0]} contains ********`);
});
