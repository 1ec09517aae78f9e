import { type Admin, type ITopicConfig, Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { PositionLostError } from '../../src/errors.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { CONTROL_TOPIC_CONFIG } from '../../src/log/protocol/topics.ts';
import { type KafkaCluster, startKafkaCluster } from '../../src/servers/kafka-cluster.ts';
import { kafkaForTests } from '../support/kafka.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { eventually, memoryStore, Replication } from './replication.ts';

/** On nodes 2 and 3, of which one is enough to acknowledge, and the one that lags may lead. Node 1 keeps the quorum. */
function fragile(topic: string, config: Readonly<Record<string, string>> = {}): ITopicConfig {
  const settings = { ...config, 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' };
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  return { topic, replicaAssignment: [{ partition: 0, replicas: [2, 3] }], configEntries };
}

/** What a sink says that reads a topic that has other records than it expects, or ends before them. */
function lost(topic: string): RegExp {
  return new RegExp(`Topic ${topic}(, partition 0)? lost history|Partition 0 of topic "${topic}" does not have offset`);
}

async function connected(cluster: KafkaCluster): Promise<Admin & AsyncDisposable> {
  const brokers = cluster.bootstrap.split(',');
  const admin = new Kafka({ brokers, clientId: 'somebody', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return { ...admin, [Symbol.asyncDispose]: () => admin.disconnect() };
}

/** What is replicated, with its databases and its source's and sink's tasks. */
class Pipeline implements AsyncDisposable {
  readonly prefix: string;
  readonly #cluster: KafkaCluster;
  readonly #store = memoryStore();
  readonly source: Database;
  readonly target: Database;
  replication!: Replication;

  private constructor(cluster: KafkaCluster, prefix: string, source: Database, target: Database) {
    this.#cluster = cluster;
    this.prefix = prefix;
    this.source = source;
    this.target = target;
  }

  static async open(cluster: KafkaCluster, prefix: string): Promise<Pipeline> {
    const pipeline = new Pipeline(cluster, prefix, await freshDatabase('source'), await freshDatabase('target'));
    await pipeline.source.query(/* sql */ `create table t (id int primary key); insert into t values (1)`);
    await pipeline.restart();
    return pipeline;
  }

  /** A process that knows nothing but what is stored. */
  async restart(): Promise<void> {
    await this.replication?.[Symbol.asyncDispose]();
    const { signal } = new AbortController();
    const settings = { bootstrapServers: this.#cluster.bootstrap.split(','), clientId: this.prefix };
    this.replication = await Replication.open({
      source: this.source.settings,
      target: this.target.settings,
      log: await openKafkaLog(settings, signal),
      prefix: this.prefix,
      store: () => this.#store,
    });
  }

  /** Inserts a row, and waits until the log has acknowledged it. */
  async stored(id: number): Promise<void> {
    const { changes } = this.replication.sourceProgress;
    await this.source.query(/* sql */ `insert into t values (${id})`);
    await eventually(() => this.replication.sourceProgress.changes > changes, `row ${id} to be stored`);
  }

  async rows(): Promise<number[]> {
    const rows = await this.target.query<{ id: number }>(/* sql */ `select id from t order by id`);
    return rows.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replication[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
    await this.target[Symbol.asyncDispose]();
  }
}

test.skipIf(kafkaForTests() === undefined)(
  'an unclean election that takes acknowledged records along stops all who need them, and nothing comes in their place',
  async () => {
    await using cluster = await startKafkaCluster({ brokers: 3 });
    const [, leader, follower] = cluster.brokers;
    {
      await using admin = await connected(cluster);
      const control = ['checkpoints', 'schema-changes'].map((name) => fragile(`all.${name}`, CONTROL_TOPIC_CONFIG));
      const data = ['all.public.t', 'quiet.public.t', 'busy.public.t'].map((name) => fragile(name));
      // kafkajs would ask one of three brokers for leaders, and fail where that one has not heard of the topics yet.
      await admin.createTopics({ topics: [...control, ...data], waitForLeaders: false });
    }
    await using all = await Pipeline.open(cluster, 'all'); // loses the end of everything
    await using quiet = await Pipeline.open(cluster, 'quiet'); // loses rows, and writes no more
    await using busy = await Pipeline.open(cluster, 'busy'); // writes others in their place
    const pipelines = [all, quiet, busy];
    const sources = pipelines.map(({ replication }) => replication.startSource());
    const sinks = pipelines.map(({ replication }) => replication.startSink());
    for (const { replication } of pipelines) await replication.settled();
    await sinks[1]?.stop();
    await sinks[2]?.stop();

    await follower?.shutDown();
    for (const pipeline of pipelines) await pipeline.stored(2);
    await all.replication.settled();
    leader?.kill();
    await follower?.restart();

    // Whoever has applied what is gone, or has been told that it is stored and goes on behind it.
    await all.source.query(/* sql */ `insert into t values (3)`);
    await Promise.all([sources[0]?.ended, sinks[0]?.ended]);
    expect(sources[0]?.failure).toBeInstanceOf(PositionLostError);
    expect(String(sources[0]?.failure)).toMatch(/The log of all lost its tail/);
    expect(sinks[0]?.failure).toBeInstanceOf(PositionLostError);
    expect(String(sinks[0]?.failure)).toMatch(lost('all.checkpoints'));
    expect(await all.rows()).toEqual([1, 2]);
    await all.restart();
    const again = [all.replication.startSource(), all.replication.startSink()];
    await Promise.all(again.map(({ ended }) => ended));
    expect(String(again[0]?.failure)).toMatch(/beyond the last checkpoint|lost its tail/);
    expect(String(again[1]?.failure)).toMatch(/Topic all.checkpoints lost history/);

    // Whoever has still to apply it, whether other records have taken its place or not.
    await busy.stored(3);
    for (const pipeline of [quiet, busy]) {
      const sink = pipeline.replication.startSink();
      await sink.ended;
      expect(sink.failure).toBeInstanceOf(PositionLostError);
      expect(String(sink.failure)).toMatch(lost(`${pipeline.prefix}.public.t`));
      expect(await pipeline.rows()).toEqual([1]);
    }
    expect([sources[1]?.failure, sources[2]?.failure]).toEqual([undefined, undefined]);
  },
  480_000,
);
