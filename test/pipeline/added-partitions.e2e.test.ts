import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { kafkaForTests, uniqueName } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { Replication } from './replication.ts';

const kafka = kafkaForTests();

test.skipIf(kafka === undefined)('partitions that somebody adds to a topic under load change nothing', async () => {
  const brokers = [(kafka as { bootstrap: string }).bootstrap];
  const prefix = uniqueName('added');
  await using source = await freshDatabase('source');
  await using target = await freshDatabase('target');
  await source.query(/* sql */ `create table t (id int primary key, v int);
    insert into t select i, 0 from generate_series(1, 200) i`);
  const log = await openKafkaLog({ bootstrapServers: brokers, clientId: 'added' }, new AbortController().signal);
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    log,
    prefix,
    partitions: 2,
  });
  const capturing = replication.startSource();
  replication.startSink();
  await replication.settled();

  const admin = new Kafka({ brokers, clientId: 'somebody', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topic = `${prefix}.public.t`;
  const touch = async (): Promise<void> => {
    for (let i = 0; i < 20; i++)
      await source.query(
        /* sql */ `update t set v = v + 1; delete from t where id = ${i + 1}; insert into t values (${i + 1}, ${i})`,
      );
  };
  const touching = touch();
  await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] });
  await touching;
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(200);

  await capturing.stop();
  replication.startSource(); // it meets five partitions from its start on
  await touch();
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(200);
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  expect(offsets.filter(({ offset }) => Number(offset) > 0)).toHaveLength(5);
});
