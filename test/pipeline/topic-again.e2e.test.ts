import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { PositionLostError } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { CONTROL_TOPIC_CONFIG } from '../../src/log/protocol/topics.ts';
import { kafkaForTests, uniqueName } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { eventually, memoryStore, Replication } from './replication.ts';

const kafka = kafkaForTests();

// A source has no use for rows that it has written, and goes on in the new topic. Its checkpoints are its memory.
test.skipIf(kafka === undefined).each([
  ['public.t', undefined],
  ['checkpoints', /Slot \S+ exists, but the log of \S+ knows nothing of it/],
] as const)(
  'topic %s that was deleted and created again stops a sink that had not read all of it',
  async (topic, refusal) => {
    const brokers = [(kafka as { bootstrap: string }).bootstrap];
    const prefix = uniqueName('again');
    const store = memoryStore();
    await using source = await freshDatabase('source');
    await using target = await freshDatabase('target');
    await source.query(/* sql */ `create table t (id int primary key); insert into t values (1)`);
    const open = async (): Promise<Replication> => {
      const log = await openKafkaLog({ bootstrapServers: brokers, clientId: 'again' }, new AbortController().signal);
      return await Replication.open({
        source: source.settings,
        target: target.settings,
        log,
        prefix,
        store: () => store,
      });
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
    const name = `${prefix}.${topic}`;
    const admin = new Kafka({ brokers, clientId: 'somebody', logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [name] });
    const configEntries = Object.entries(CONTROL_TOPIC_CONFIG).map(([key, value]) => ({ name: key, value }));
    // The broker deletes in its own time; until then the name is taken.
    await eventually(
      () => admin.createTopics({ topics: [{ topic: name, numPartitions: 1, configEntries }] }).catch(() => false),
      `${name} to be created again`,
    );
    await admin.disconnect();
    await using replication = await open();
    const [capturing, applying] = [replication.startSource(), replication.startSink()];
    await applying.ended;
    expect(applying.failure).toBeInstanceOf(PositionLostError);
    expect(String(applying.failure)).toContain(`Topic ${name} was deleted and created again: its history is lost`);
    if (refusal !== undefined) {
      await capturing.ended;
      expect(String(capturing.failure)).toMatch(refusal);
    }
    expect(await target.query(/* sql */ `select id from t`)).toEqual([{ id: 1 }]);
  },
);
