import { execFile } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { Kafka, type AclEntry } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findJava, kafkaJars } from '../../../../src/servers/kafka-jars.ts';
import { type KafkaServer, startKafka } from '../../../../src/servers/kafka-server.ts';
import type { Finding } from '../../../../src/finding.ts';
import type { WantedTopic } from '../../../../src/log/kafka/preflight/judge-topics.ts';
import { checkKafka } from '../../../../src/log/kafka/preflight/preflight.ts';
import { openKafkaLog } from '../../../../src/log/kafka/kafka-log.ts';
import type { KafkaSettings, SaslSettings } from '../../../../src/log/kafka/settings.ts';
import { CONTROL_TOPIC_CONFIG } from '../../../../src/log/protocol/topics.ts';
import { kafkaForTests, uniqueName } from '../../../support/kafka.ts';

const signal: AbortSignal = new AbortController().signal;

function wanted(
  prefix: string,
  overrides: Partial<WantedTopic> = {},
  spec: Partial<WantedTopic['spec']> = {},
): WantedTopic {
  return {
    spec: { name: `${prefix}.checkpoints`, partitions: 1, config: CONTROL_TOPIC_CONFIG, ...spec },
    kind: 'control',
    isWritten: true,
    batchBytes: 100_000,
    prefix: `${prefix}.`,
    ...overrides,
  };
}

const notOk = (findings: readonly Finding[]): readonly Finding[] => findings.filter(({ level }) => level !== 'ok');

/** A command of Kafka's own scripts, run as the script would. */
async function runConfigs(command: string): Promise<void> {
  const [script, ...args] = command.split(' ');
  expect(script).toBe('kafka-configs.sh');
  const java = (await findJava()) as string;
  await promisify(execFile)(java, ['-cp', path.join(await kafkaJars(), '*'), 'kafka.admin.ConfigCommand', ...args]);
}

describe.skipIf(kafkaForTests() === undefined)('a look at a cluster', () => {
  const bootstrap = kafkaForTests()?.bootstrap ?? '';
  const settings = (overrides: Partial<KafkaSettings> = {}): KafkaSettings => ({
    bootstrapServers: [bootstrap],
    clientId: 'check',
    ...overrides,
  });

  test('creates nothing, and has nothing to say of topics that can be created', async () => {
    const topic = wanted(uniqueName('fresh'));
    expect(notOk(await checkKafka(settings(), [topic], signal))).toEqual([]);
    await using log = await openKafkaLog(settings());
    expect(await log.topics([topic.spec.name], signal)).toEqual(new Map());
  });

  test('gives the commands that set a control topic right', async () => {
    const topic = wanted(uniqueName('forgetful'));
    await using log = await openKafkaLog(settings());
    const config = { 'cleanup.policy': 'compact', 'retention.ms': '1000', 'max.message.bytes': '5000' };
    await log.createTopics([{ ...topic.spec, config }], signal);
    const found = notOk(await checkKafka(settings(), [topic], signal));
    expect(found.map(({ level, message }) => `${level} ${message.split(',')[0]}`)).toEqual([
      'problem cleanup.policy is compact',
      'problem retention.ms is 1000',
      'problem max.message.bytes is 5000',
    ]);
    for (const { fix } of found) await runConfigs(fix as string);
    await expect.poll(async () => notOk(await checkKafka(settings(), [topic], signal))).toEqual([]);
  });

  test('finds partitions, replicas and names that cannot be', async () => {
    const several = wanted(uniqueName('several'));
    await using log = await openKafkaLog(settings());
    await log.createTopics([{ ...several.spec, partitions: 3 }], signal);
    const many = wanted(uniqueName('many'), {}, { replicationFactor: 3 });
    const found = notOk(await checkKafka(settings(), [several, many], signal));
    expect(found.map(({ message }) => message)).toEqual([
      'It has 3 partitions, it must have one.',
      expect.stringContaining('INVALID_REPLICATION_FACTOR'),
    ]);
    expect(
      notOk(await checkKafka(settings(), [wanted(uniqueName('default'), {}, { replicationFactor: -1 })], signal)),
    ).toEqual([]);
  });

  test('names the broker that fails, and looks on through the others', async () => {
    const deaf = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const { port } = deaf.address() as AddressInfo;
    const bootstrapServers = ['127.0.0.1:1', 'no-such-host.invalid:9092', `127.0.0.1:${port}`, 'nonsense', bootstrap];
    const found = await checkKafka(settings({ bootstrapServers }), [wanted(uniqueName('fresh'))], signal);
    deaf.close();
    expect(
      notOk(found)
        .map(({ object }) => object)
        .sort(),
    ).toEqual(
      ['broker 127.0.0.1:1', `broker 127.0.0.1:${port}`, 'broker no-such-host.invalid:9092', 'broker nonsense'].sort(),
    );
    expect(found.find(({ object }) => object === 'broker 127.0.0.1:1')?.fix).toContain('nothing listens on 1');
    expect(found.find(({ object }) => object === 'broker no-such-host.invalid:9092')?.fix).toContain('no name server');
    expect(found.filter(({ level }) => level === 'ok').map(({ check }) => check)).toContain('topics');
  });
});

describe.skipIf(kafkaForTests() === undefined)('a cluster with access control', () => {
  const sasl: SaslSettings = { mechanism: 'plain', username: 'rowcast', password: 'right' };
  let kafka: KafkaServer;

  beforeAll(async () => {
    const users = 'username="broker" password="own" user_broker="own" user_rowcast="right"';
    kafka = await startKafka({
      config: {
        'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        'listener.name.plaintext.sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:broker;User:ANONYMOUS',
      },
    });
  });
  afterAll(async () => {
    await kafka?.stop();
  });

  const settings = (overrides: Partial<KafkaSettings> = {}): KafkaSettings => ({
    bootstrapServers: [kafka.bootstrap],
    clientId: 'check',
    sasl,
    ...overrides,
  });

  test('gives the right to create and use topics that are not there', async () => {
    const prefix = uniqueName('unseen');
    const topics = [wanted(prefix), wanted(prefix, {}, { name: `${prefix}.schema-changes` })];
    const found = notOk(await checkKafka(settings(), topics, signal));
    expect(found.map(({ check, object }) => `${check} ${object}`)).toEqual([
      `topic rights topic ${prefix}.checkpoints`,
      `topic rights topic ${prefix}.schema-changes`,
    ]);
    for (const { fix } of found) await runAcls(fix as string, kafka.bootstrap);
    await expect.poll(async () => notOk(await checkKafka(settings(), topics, signal))).toEqual([]);
  });

  test('gives the rights that are missing on a topic that is there', async () => {
    const topic = wanted(uniqueName('seen'));
    await using log = await openKafkaLog(
      settings({ sasl: { mechanism: 'plain', username: 'broker', password: 'own' } }),
    );
    await log.createTopics([topic.spec], signal);
    await runAcls(
      `kafka-acls.sh --add --allow-principal User:rowcast --operation Describe --topic ${topic.spec.name}`,
      kafka.bootstrap,
    );
    await expect
      .poll(async () => notOk(await checkKafka(settings(), [topic], signal)).map(({ message }) => message))
      .toEqual(['Operation Read and Write and DescribeConfigs on it is not allowed.']);
    const [found] = notOk(await checkKafka(settings(), [topic], signal)) as [Finding];
    await runAcls(found.fix as string, kafka.bootstrap);
    await expect.poll(async () => notOk(await checkKafka(settings(), [topic], signal))).toEqual([]);
  });

  test('says when the credentials are wrong, without them', async () => {
    const found = notOk(await checkKafka(settings({ sasl: { ...sasl, password: 'hunter2' } }), [], signal));
    expect(found).toMatchObject([{ level: 'problem', check: 'credentials', object: `broker ${kafka.bootstrap}` }]);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  test('says when a password is expected, or TLS is not', async () => {
    const { sasl: _, ...plain } = settings();
    expect(notOk(await checkKafka(plain, [], signal))).toMatchObject([{ level: 'problem', check: 'reachable' }]);
    expect(notOk(await checkKafka(settings({ ssl: {} }), [], signal))).toMatchObject([
      { level: 'problem', check: 'tls' },
    ]);
  });
});

/** kafka-acls.sh is not in the jars at hand: its arguments, given to an administrator's client. */
async function runAcls(command: string, bootstrap: string): Promise<void> {
  const argument = (name: string): string[] =>
    [...command.matchAll(new RegExp(`--${name} (\\S+)`, 'g'))].map((match) => match[1] as string);
  const operations: Readonly<Record<string, number>> = {
    Read: 3,
    Write: 4,
    Create: 5,
    Describe: 8,
    DescribeConfigs: 10,
  };
  const sasl = { mechanism: 'plain', username: 'broker', password: 'own' } as const;
  const admin = new Kafka({ brokers: [bootstrap], sasl, logLevel: 0 }).admin();
  await admin.connect();
  const acl = argument('operation').map(
    (operation): AclEntry => ({
      principal: argument('allow-principal')[0] as string,
      host: '*',
      operation: operations[operation] as number,
      permissionType: 3,
      resourceType: 2,
      resourceName: argument('topic')[0] as string,
      resourcePatternType: command.includes('--resource-pattern-type prefixed') ? 4 : 3,
    }),
  );
  await admin.createAcls({ acl });
  await admin.disconnect();
}
