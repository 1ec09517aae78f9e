import { createRequire } from 'node:module';
import avsc from 'avsc';
import { Kafka } from 'kafkajs';
import { LogicalReplicationService } from 'pg-logical-replication';
import { expect, test, vi } from 'vitest';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { kafkaForTests } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { Replication } from './replication.ts';

const require = createRequire(import.meta.url);
const { AbstractPlugin } = require('pg-logical-replication/dist/output-plugins/abstract.plugin.js') as {
  AbstractPlugin: new (...args: never[]) => unknown;
};

const kafka = kafkaForTests();

test.skipIf(kafka === undefined)(
  'rows pass through the plugin, and through neither avsc nor a kafkajs producer',
  async () => {
    const producers = vi.spyOn(Kafka.prototype, 'producer');
    const consumers = vi.spyOn(Kafka.prototype, 'consumer');
    const subscribe = vi.spyOn(LogicalReplicationService.prototype, 'subscribe');

    await using source = await freshDatabase('source');
    await using target = await freshDatabase('target');
    await source.query(
      /* sql */ `create table t (id int primary key, v text, n numeric(8, 2), at timestamptz default now())`,
    );
    const controller = new AbortController();
    const log = await openKafkaLog(
      { bootstrapServers: [(kafka as { bootstrap: string }).bootstrap], clientId: 'hot-path' },
      controller.signal,
    );
    await using replication = await Replication.open({ source: source.settings, target: target.settings, log });
    replication.startSource();
    replication.startSink();
    await replication.settled();
    await source.query(/* sql */ `insert into t values (0, 'first')`);
    await replication.settled(); // schemas are checked by avsc when a table version is first met: that is not per row
    const perRow = (['toBuffer', 'encode', 'fromBuffer', 'decode', 'createFromBuffer'] as const)
      .filter((name) => name in avsc.Type.prototype)
      .map((name) => vi.spyOn(avsc.Type.prototype as unknown as Record<string, () => unknown>, name));
    await source.query(/* sql */ `insert into t select g, 'v', g * 1.25 from generate_series(1, 500) g`);
    await replication.settled();
    expect(await replication.expectEqual('t')).toBe(501);

    expect(producers).not.toHaveBeenCalled();
    expect(consumers).not.toHaveBeenCalled();
    for (const spy of perRow) expect(spy, spy.getMockName()).not.toHaveBeenCalled();
    const plugin = subscribe.mock.calls.at(-1)?.[0];
    expect(plugin).toBeInstanceOf(AbstractPlugin);
  },
);

test('every message of the stream is handed over by the plugin', async () => {
  const subscribe = vi.spyOn(LogicalReplicationService.prototype, 'subscribe');
  await using source = await freshDatabase('source');
  await using target = await freshDatabase('target');
  await source.query(/* sql */ `create table t (id int primary key)`);
  await using replication = await Replication.open({ source: source.settings, target: target.settings });
  replication.startSource();
  replication.startSink();
  await replication.settled();
  await source.query(/* sql */ `insert into t values (0)`);
  await replication.settled(); // it cannot come with the copy: rows are streamed by now
  const plugin = subscribe.mock.calls.at(-1)?.[0] as { parse(payload: Buffer): unknown };
  const parse = vi.spyOn(plugin, 'parse');
  await source.query(/* sql */ `insert into t select generate_series(1, 40)`);
  await replication.settled();
  await replication.expectEqual('t');
  expect(parse.mock.calls.length).toBeGreaterThanOrEqual(42); // begin, 40 rows, commit
});
