import type { Append, Cursor, Fetched, Log, Published, Span, Topic, TopicSpec } from '../log.ts';
import { Brokers } from './brokers.ts';
import type { Connect } from './connection.ts';
import { Fetcher } from './fetcher.ts';
import { kafkajsConnect } from './kafkajs-internals.ts';
import { Leaders } from './leaders.ts';
import { type Bounds, readBounds, trimPartition } from './offsets.ts';
import { Publisher } from './publisher.ts';
import type { Wakefulness } from './wakefulness.ts';
import { type KafkaSettings, REQUEST_TIMEOUT_MS } from './settings.ts';
import { createTopics } from './topic-creation.ts';
import { Topics } from './topics.ts';

/**
 * Opens the log that a Kafka cluster is. Throws TransientError when no broker answers, OperatorError when one refuses us.
 * `connect` is another way to the brokers than kafkajs's, for tests.
 */
export async function openKafkaLog(
  settings: KafkaSettings,
  signal: AbortSignal = new AbortController().signal,
  connect: Connect = kafkajsConnect(settings),
  wakefulness?: Wakefulness,
): Promise<KafkaLog> {
  const brokers = new Brokers(settings.bootstrapServers, connect);
  try {
    const { clusterId } = await brokers.metadata([], signal);
    return new KafkaLog(clusterId, brokers, settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS, wakefulness);
  } catch (error) {
    brokers.close();
    throw error;
  }
}

/** `Log` on a Kafka cluster; contract in log.ts. Survives restarts of brokers: every connection can be opened again. */
export class KafkaLog implements Log {
  readonly clusterId: string;
  readonly #brokers: Brokers;
  readonly #leaders: Leaders;
  readonly #topics: Topics;
  readonly #publisher: Publisher;
  readonly #fetcher: Fetcher;
  readonly #timeoutMs: number;

  constructor(clusterId: string, brokers: Brokers, timeoutMs: number, wakefulness?: Wakefulness) {
    this.clusterId = clusterId;
    this.#brokers = brokers;
    this.#leaders = new Leaders(brokers);
    this.#topics = new Topics(brokers);
    this.#publisher = new Publisher(brokers, this.#leaders, this.#topics, timeoutMs, wakefulness);
    this.#fetcher = new Fetcher(brokers, this.#leaders);
    this.#timeoutMs = timeoutMs;
  }

  topics(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Topic>> {
    return this.#topics.describe(names, signal);
  }

  createTopics(specs: readonly TopicSpec[], signal: AbortSignal): Promise<void> {
    return createTopics(this.#brokers, specs, this.#timeoutMs, signal);
  }

  publish(
    appends: readonly Append[],
    checkpointOf: ((spans: readonly Span[]) => readonly Append[]) | undefined,
    signal: AbortSignal,
  ): Promise<Published> {
    return this.#publisher.publish(appends, checkpointOf, signal);
  }

  read(
    cursors: readonly Cursor[],
    maxBytes: number,
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Fetched[]> {
    return this.#fetcher.read(cursors, maxBytes, maxWaitMs, signal);
  }

  bounds(topic: string, partition: number, signal: AbortSignal): Promise<Bounds> {
    return readBounds(this.#brokers, this.#leaders, topic, partition, signal);
  }

  trim(topic: string, partition: number, before: number, signal: AbortSignal): Promise<void> {
    return trimPartition(this.#brokers, this.#leaders, topic, partition, before, this.#timeoutMs, signal);
  }

  /** Nothing to do: a Kafka topic's retention is its own. */
  async release(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#publisher.close();
    this.#brokers.close();
  }
}
