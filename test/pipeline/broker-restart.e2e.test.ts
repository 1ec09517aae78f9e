import { expect, test } from 'vitest';
import { startKafka } from '../../src/servers/kafka-server.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { kafkaForTests } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { Replication } from './replication.ts';

test.skipIf(kafkaForTests() === undefined)(
  'a broker that is killed and started again loses and doubles nothing',
  async () => {
    await using broker = await startKafka({});
    await using source = await freshDatabase('source');
    await using target = await freshDatabase('target');
    await source.query(
      /* sql */ `create table t (id int primary key, v text); create table log (n int); alter table log replica identity full`,
    );
    const { signal } = new AbortController();
    const log = await openKafkaLog({ bootstrapServers: [broker.bootstrap], clientId: 'restarts' }, signal);
    await using replication = await Replication.open({
      source: source.settings,
      target: target.settings,
      log,
      partitions: 3,
    });
    const reading = replication.startSource();
    const applying = replication.startSink();
    await replication.settled();
    for (let round = 1; round <= 2; round++) {
      await source.query(
        /* sql */ `insert into t select g, 'x' from generate_series(${round * 1000}, ${round * 1000 + 500}) g; insert into log values (${round})`,
      );
      if (round === 2) await broker.restart();
      else broker.kill();
      await source.query(
        /* sql */ `update t set v = v || '.' where id % 2 = 0; insert into log values (${round + 100})`,
      );
      if (round !== 2) await broker.restart();
    }
    await replication.settled();
    expect(await replication.expectEqual('t', 'log')).toBe(2 * 501 + 4);
    expect([reading.failure, applying.failure]).toEqual([undefined, undefined]);
  },
);
