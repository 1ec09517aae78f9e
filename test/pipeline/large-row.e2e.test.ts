import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { startKafka } from '../../src/servers/kafka-server.ts';
import { kafkaForTests } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { Replication } from './replication.ts';

const TOPIC_RESOURCE = 2;

test.skipIf(kafkaForTests() === undefined)(
  'a row that its topic does not take stops the source, which names it, and arrives once the topic takes it',
  async () => {
    // Of its own: topics of every test have the same prefix.
    await using broker = await startKafka({});
    await using source = await freshDatabase('source');
    await using target = await freshDatabase('target');
    await source.query(/* sql */ `create table docs (tenant int, id int, body text, primary key (tenant, id));
      insert into docs values (1, 1, 'small')`);
    const { signal } = new AbortController();
    const log = await openKafkaLog({ bootstrapServers: [broker.bootstrap], clientId: 'large' }, signal);
    await using replication = await Replication.open({ source: source.settings, target: target.settings, log });
    const reading = replication.startSource();
    replication.startSink();
    await replication.settled();
    await source.query(
      /* sql */ `insert into docs values (1, 2, 'before'), (1, 4711, repeat('secret', 400000)), (1, 3, 'behind')`,
    );
    await reading.ended;
    const { message, advice } = reading.failure as OperatorError;
    expect(reading.failure).toBeInstanceOf(OperatorError);
    expect(message).toMatch(
      /^A row of table public\.docs, with key \(tenant, id\), is a record of 24\d{5} bytes, which is larger than topic "shop\.public\.docs" takes \(1048588\); most of it is column body; it was changed by transaction \d+:\d+$/,
    );
    expect(`${message}${advice}`).not.toMatch(/secret|4711/);
    // What the advice says finds it.
    const [, query = ''] = /finds: (select .*)$/.exec(advice ?? '') ?? [];
    expect((await source.query(query))[0]).toEqual({ tenant: 1, id: 4711 });

    const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: 'max.message.bytes', value: '3000000' }];
    const resources = [{ type: TOPIC_RESOURCE, name: 'shop.public.docs', configEntries }];
    await admin.alterConfigs({ validateOnly: false, resources });
    await admin.disconnect();
    replication.resume(reading);
    replication.startSource();
    await replication.settled();
    expect(await replication.expectEqual('docs')).toBe(4);
  },
);
