import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KafkaServer, startKafka } from '../../../src/servers/kafka-server.ts';
import { describeError, OperatorError } from '../../../src/errors.ts';
import { type KafkaLog, openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { oauthTokens } from '../../../src/log/kafka/oauth-token.ts';
import type { KafkaSettings, SaslSettings } from '../../../src/log/kafka/settings.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { kafkaForTests, uniqueName } from '../../support/kafka.ts';
import { readOn, textOf, texts } from '../records.ts';
import { tokenEndpoint } from './token-server.ts';

const signal: AbortSignal = new AbortController().signal;
const certificate = kafkaForTests() === undefined ? undefined : selfSigned();
const sasl: SaslSettings = { mechanism: 'plain', username: 'rowcast', password: 'right' };

describe.skipIf(certificate === undefined)('a broker with TLS and SASL', () => {
  let kafka: KafkaServer;

  beforeAll(async () => {
    kafka = await startKafka({ config: secured(certificate as Certificate) });
  });
  afterAll(async () => {
    await kafka?.stop();
  });

  function open(overrides: Partial<KafkaSettings>): Promise<KafkaLog> {
    const ca = certificate?.certificate ?? '';
    return openKafkaLog({ bootstrapServers: [kafka.bootstrap], clientId: 'secured', ssl: { ca }, ...overrides });
  }

  test('serves whoever has the password and trusts the certificate', async () => {
    await using log = await open({ sasl });
    const topic = uniqueName('secured');
    await log.createTopics([{ name: topic, partitions: 1, config: {} }], signal);
    const { spans } = await log.publish([texts(topic, 0, ['a'])], undefined, signal);
    expect(spans).toEqual([{ topic, partition: 0, base: 0, count: 1 }]);
  });

  test('is for a person when the password is wrong, and the error does not show it', async () => {
    const error: unknown = await open({ sasl: { ...sasl, password: 'hunter2' } }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OperatorError);
    expect((error as OperatorError).message).toMatch(/refused the credentials/);
    expect(String((error as OperatorError).cause)).not.toContain('hunter2');
  });

  test('serves whoever has a token of the endpoint, one for all connections', async () => {
    const now = Date.now();
    await using endpoint = await tokenEndpoint(() => ({ access_token: unsigned(now), expires_in: 3600 }));
    await using log = await open({ sasl: withToken(endpoint.url) });
    const topic = uniqueName('tokens');
    await log.createTopics([{ name: topic, partitions: 1, config: {} }], signal);
    const { spans } = await log.publish([texts(topic, 0, ['a'])], undefined, signal);
    expect(spans).toEqual([{ topic, partition: 0, base: 0, count: 1 }]);
    expect(endpoint.asked).toHaveLength(1);
  });

  test('is for a person when the token is refused, by the endpoint or by the broker', async () => {
    await using expired = await tokenEndpoint(() => ({
      access_token: unsigned(Date.now() - 7_200_000),
      expires_in: 3600,
    }));
    await expect(open({ sasl: withToken(expired.url) })).rejects.toThrow(/refused the credentials/);
    await using refusing = await tokenEndpoint(() => undefined);
    const error: unknown = await open({ sasl: withToken(refusing.url) }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OperatorError);
    expect(String(error)).toContain(`Token endpoint ${refusing.url} refused the client (401: invalid_client)`);
    expect(String(error)).not.toContain('hunter2');
  });

  test('is for a person when the certificate is not trusted', async () => {
    await expect(open({ sasl, ssl: {} })).rejects.toThrow(/certificate that is not trusted/);
  });

  test('refuses a log whose password is changed while it is open, and loses nothing of it', async () => {
    const topic = uniqueName('rotated');
    await using log = await open({ sasl });
    await log.createTopics([{ name: topic, partitions: 1, config: {} }], signal);
    await log.publish([texts(topic, 0, ['before'])], undefined, signal);
    const settings = path.join(kafka.directory, 'server.properties');
    writeFileSync(settings, readFileSync(settings, 'utf8').replace('user_rowcast="right"', 'user_rowcast="new"'));
    kafka.kill();
    await kafka.restart();
    let refused: unknown;
    await expect
      .poll(async () => {
        refused = await log.publish([texts(topic, 0, ['refused'])], undefined, signal).catch((error: unknown) => error);
        return refused; // at first that the connection is gone
      })
      .toBeInstanceOf(OperatorError);
    expect(describeError(refused)).toMatch(/refused the credentials/);
    expect(describeError(refused)).not.toContain('right');
    await expect(log.read([{ topic, partition: 0, offset: 0 }], 1000, 0, signal)).rejects.toThrow(
      /refused the credentials/,
    );
    await using again = await open({ sasl: { ...sasl, password: 'new' } });
    await again.publish([texts(topic, 0, ['after'])], undefined, signal);
    expect(await again.bounds(topic, 0, signal)).toEqual({ start: 0, end: 2 });
    expect((await readOn(again, { topic, partition: 0, offset: 0 }, 2)).map(textOf)).toEqual(['before', 'after']);
  });
});

function withToken(endpoint: string): SaslSettings {
  const client = { endpoint, clientId: 'me', clientSecret: 'hunter2', scope: undefined, urlEncodes: false };
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: oauthTokens({ ...client, extensions: {}, tls: {} }, systemClock),
  };
}

/** A token that says of itself who has it, and until when. */
function unsigned(now: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = Math.floor(now / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: 'rowcast', iat: seconds, exp: seconds + 3600 })}.`;
}

interface Certificate {
  readonly key: string;
  readonly certificate: string;
}

/** A key and certificate for 127.0.0.1; undefined where there is no openssl. */
function selfSigned(): Certificate | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), 'rowcast-tls-'));
  const [key, certificate] = [path.join(directory, 'key.pem'), path.join(directory, 'certificate.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  try {
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...names],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The clients' listener, although it is still called PLAINTEXT, wants TLS and a password. */
function secured({ key, certificate }: Certificate): Record<string, string> {
  const oneLine = (pem: string): string => pem.trim().replaceAll('\n', '\\n');
  const users = 'username="broker" password="own" user_broker="own" user_rowcast="right"';
  return {
    'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.plaintext.sasl.enabled.mechanisms': 'PLAIN,OAUTHBEARER',
    // Without a callback handler Kafka takes tokens that nobody has signed.
    'listener.name.plaintext.oauthbearer.sasl.jaas.config':
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
    'listener.name.plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': oneLine(key),
    'ssl.keystore.certificate.chain': oneLine(certificate),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': oneLine(certificate),
  };
}
