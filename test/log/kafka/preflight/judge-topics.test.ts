import { describe, expect, test } from 'vitest';
import type { Cluster } from '../../../../src/log/kafka/preflight/commands.ts';
import { judgeTopics, type TopicState, type WantedTopic } from '../../../../src/log/kafka/preflight/judge-topics.ts';
import { OPERATIONS } from '../../../../src/log/kafka/preflight/topic-request.ts';
import { CONTROL_TOPIC_CONFIG } from '../../../../src/log/protocol/topics.ts';

const cluster: Cluster = { bootstrap: 'k1:9092', user: 'row cast', isSecured: true };
const all = Object.values(OPERATIONS).reduce((bits, operation) => bits | (1 << operation), 0);
const control: WantedTopic = {
  spec: { name: 'shop.checkpoints', partitions: 1, config: CONTROL_TOPIC_CONFIG },
  kind: 'control',
  isWritten: true,
  batchBytes: 60_000,
  prefix: 'shop.',
};
const table: WantedTopic = {
  ...control,
  kind: 'table',
  spec: { name: 'shop.public.orders', partitions: 1, config: {} },
};
const facts = { name: '', errorCode: 0, partitions: 1, replicas: 3, leaderless: 0, operations: all };

function said(state: Partial<TopicState>, of: Cluster = cluster): string[] {
  const config = new Map(Object.entries(CONTROL_TOPIC_CONFIG));
  return judgeTopics([{ wanted: control, facts, config, creation: undefined, ...state }], of)
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, fix }) => `${level} ${check}: ${fix ?? ''}`);
}

const ALTER =
  'kafka-configs.sh --bootstrap-server k1:9092 --command-config admin.properties --alter --entity-type topics --entity-name';
const ALLOW =
  "kafka-acls.sh --bootstrap-server k1:9092 --command-config admin.properties --add --allow-principal 'User:row cast'";
const settings = (more: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries({ ...CONTROL_TOPIC_CONFIG, ...more }));

describe('a topic', () => {
  test('as it must be has nothing said of it', () => {
    expect(said({})).toEqual([]);
    expect(said({ facts: { ...facts, operations: -(2 ** 31) } })).toEqual([]);
    expect(said({ facts: { ...facts, errorCode: 3 }, creation: { errorCode: 0, errorMessage: null } })).toEqual([]);
    expect(said({ wanted: { ...control, isWritten: false }, facts: { ...facts, errorCode: 3 } })).toEqual([]);
  });

  test.each<[string, Partial<TopicState>, string]>([
    [
      'that forgets',
      { config: settings({ 'retention.ms': '5' }) },
      `problem topic settings: ${ALTER} shop.checkpoints --add-config retention.ms=-1`,
    ],
    [
      'that takes only small batches',
      { config: settings({ 'max.message.bytes': '5' }) },
      `problem topic settings: ${ALTER} shop.checkpoints --add-config max.message.bytes=60000`,
    ],
    [
      'that may lose what was acknowledged',
      { config: settings({ 'unclean.leader.election.enable': 'true' }) },
      `warning topic settings: ${ALTER} shop.checkpoints --add-config unclean.leader.election.enable=false`,
    ],
    [
      'with fewer replicas than must be in sync',
      { config: settings({ 'min.insync.replicas': '4' }) },
      `problem topic settings: ${ALTER} shop.checkpoints --add-config min.insync.replicas=3`,
    ],
    [
      'of a table that is compacted',
      { wanted: table, config: settings({ 'cleanup.policy': 'compact,delete' }) },
      `problem topic settings: ${ALTER} shop.public.orders --add-config cleanup.policy=delete`,
    ],
    [
      'of a table that is kept for an hour',
      { wanted: table, config: settings({ 'retention.ms': '3600000' }) },
      `warning topic settings: ${ALTER} shop.public.orders --add-config retention.ms=604800000`,
    ],
    [
      'with several partitions',
      { facts: { ...facts, partitions: 2 } },
      'problem topic settings: Choose another topic.prefix',
    ],
    ['without leader', { facts: { ...facts, leaderless: 1 } }, 'problem topics: Start the brokers'],
    [
      'that may not be seen',
      { facts: { ...facts, errorCode: 29 } },
      `problem topic rights: ${ALLOW} --operation Describe --operation DescribeConfigs --operation Read --operation Write --operation Create --topic shop. --resource-pattern-type prefixed`,
    ],
    [
      'that may not be written',
      { facts: { ...facts, operations: all & ~(1 << OPERATIONS.Write) } },
      `problem topic rights: ${ALLOW} --operation Write --topic shop.checkpoints`,
    ],
    [
      'whose settings may not be read',
      { config: 29 },
      `problem topic rights: ${ALLOW} --operation DescribeConfigs --topic shop.checkpoints`,
    ],
    [
      'that may not be created',
      { facts: { ...facts, errorCode: 3 }, creation: { errorCode: 29, errorMessage: 'no' } },
      `problem topic rights: ${ALLOW} --operation Create`,
    ],
    [
      'with more replicas than brokers',
      { facts: { ...facts, errorCode: 3 }, creation: { errorCode: 38, errorMessage: 'too many' } },
      'problem topics: "topic.creation.default.replication.factor": "-1"',
    ],
  ])('%s is told of', (_, state, start) => {
    expect(said(state)).toEqual([expect.stringContaining(start)]);
  });

  test('that is only read needs no right to write', () => {
    const operations = all & ~(1 << OPERATIONS.Write);
    expect(said({ wanted: { ...control, isWritten: false }, facts: { ...facts, operations } })).toEqual([]);
  });

  test('on an open cluster is mended without a file of an administrator', () => {
    const found = said(
      { config: settings({ 'retention.bytes': '1' }) },
      { bootstrap: 'k1:9092', user: undefined, isSecured: false },
    );
    expect(found).toEqual([expect.stringContaining('--bootstrap-server k1:9092 --alter')]);
  });
});
