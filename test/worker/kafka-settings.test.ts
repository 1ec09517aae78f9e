import { expect, test } from 'vitest';
import { kafkaSettings } from '../../src/worker/kafka-settings.ts';

const base = {
  bootstrapServers: ['one:9092', 'two:9092'],
  clientId: 'rowcast',
  tls: undefined,
  sasl: undefined,
  requestTimeoutMs: 1234,
} as const;

test('every task is a client of its own, without TLS and SASL unless they are set', () => {
  expect(kafkaSettings(base, 'orders')).toEqual({
    bootstrapServers: ['one:9092', 'two:9092'],
    clientId: 'rowcast-orders',
    requestTimeoutMs: 1234,
  });
});

test('PEM texts, their password and SASL arrive where the client looks for them', () => {
  const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', keyPassword: 'secret', verifyHostname: true };
  const sasl = { mechanism: 'scram-sha-256', username: 'u', password: 'p' } as const;
  expect(kafkaSettings({ ...base, tls, sasl }, 'x')).toMatchObject({
    ssl: { ca: 'CA', cert: 'CERT', key: 'KEY', passphrase: 'secret' },
    sasl,
  });
});

test('the system decides whom to trust, and the name of the host counts, unless it is told otherwise', () => {
  const nothing = { ca: undefined, cert: undefined, key: undefined, keyPassword: undefined };
  expect(kafkaSettings({ ...base, tls: { ...nothing, verifyHostname: true } }, 'x').ssl).toEqual({});
  const { ssl } = kafkaSettings({ ...base, tls: { ...nothing, verifyHostname: false } }, 'x');
  expect(ssl?.checkServerIdentity?.('a', {} as never)).toBeUndefined();
  expect(ssl).not.toHaveProperty('rejectUnauthorized');
});
