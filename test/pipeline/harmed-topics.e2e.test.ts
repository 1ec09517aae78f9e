import { type Admin, Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { PositionLostError } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { CONTROL_TOPIC_CONFIG } from '../../src/log/protocol/topics.ts';
import { kafkaForTests, uniqueName } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, memoryStore, Replication } from './replication.ts';

const kafka = kafkaForTests();

async function makeAgain(admin: Admin, topic: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] });
  const configEntries = Object.entries(CONTROL_TOPIC_CONFIG).map(([name, value]) => ({ name, value }));
  // The broker deletes in its own time; until then the name is taken.
  await eventually(
    () => admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] }).catch(() => false),
    `${topic} to be created again`,
  );
}

/** As retention does, or somebody who wants the space. */
async function trim(admin: Admin, topic: string): Promise<void> {
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({
    topic,
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  });
}

const AGAIN = /Topic \S+ was deleted and created again: its history is lost/;

// A source has no use for rows that it has written, and goes on behind them. Its checkpoints are its memory.
test.skipIf(kafka === undefined).each([
  ['public.t', 'made again', makeAgain, AGAIN, undefined],
  ['checkpoints', 'made again', makeAgain, AGAIN, /Slot \S+ exists, but the log of \S+ knows nothing of it/],
  ['public.t', 'trimmed', trim, /Partition 0 of topic \S+ no longer has offset 1: it has 2 to 2/, undefined],
  ['checkpoints', 'trimmed', trim, /Topic \S+checkpoints lost history/, /lost history: nothing is left/],
] as const)('topic %s, %s, stops a sink that had not read all of it', async (topic, _what, harm, says, refusal) => {
  const brokers = [(kafka as { bootstrap: string }).bootstrap];
  const prefix = uniqueName('harmed');
  const store = memoryStore();
  await using source = await freshDatabase('source');
  await using target = await freshDatabase('target');
  await source.query(/* sql */ `create table t (id int primary key); insert into t values (1)`);
  const open = async (): Promise<Replication> => {
    const log = await openKafkaLog({ bootstrapServers: brokers, clientId: 'harmed' }, new AbortController().signal);
    const [from, to] = [source.settings, target.settings];
    return await Replication.open({ source: from, target: to, log, prefix, store: () => store });
  };
  {
    await using replication = await open();
    replication.startSource();
    const sink = replication.startSink();
    await replication.settled();
    await sink.stop();
    const { changes } = replication.sourceProgress;
    await source.query(/* sql */ `insert into t values (2)`);
    await eventually(() => replication.sourceProgress.changes > changes, 'the row to be stored');
  }
  const admin = new Kafka({ brokers, clientId: 'somebody', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await harm(admin, `${prefix}.${topic}`);
  await admin.disconnect();

  await using replication = await open();
  const [capturing, applying] = [replication.startSource(), replication.startSink()];
  await applying.ended;
  expect(applying.failure).toBeInstanceOf(PositionLostError);
  expect(String(applying.failure)).toMatch(says);
  if (refusal !== undefined) {
    await capturing.ended;
    expect(String(capturing.failure)).toMatch(refusal);
  }
  expect(await target.query(/* sql */ `select id from t`)).toEqual([{ id: 1 }]);
});
