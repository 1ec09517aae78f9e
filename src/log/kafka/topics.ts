import { OperatorError, TransientError } from '../../errors.ts';
import type { Topic, TopicSpec } from '../log.ts';
import type { Brokers } from './brokers.ts';
import { brokerError, ErrorCode, isLeaderError } from './errors.ts';
import { pause } from './pause.ts';
import { createTopicsRequest } from './protocol/create-topics.ts';
import { describeConfigsRequest } from './protocol/describe-configs.ts';
import type { TopicMetadata } from './protocol/metadata.ts';

const PAUSE_MS = 50;
const CREATE_ATTEMPTS = 5;
const MAX_BATCH_BYTES = 'max.message.bytes';

/** What the cluster says about topics: which exist, how they are set, and how new ones come to be. */
export class Topics {
  readonly #brokers: Brokers;
  readonly #timeoutMs: number;
  readonly #maxBatchBytes = new Map<string, number>();

  constructor(brokers: Brokers, timeoutMs: number) {
    this.#brokers = brokers;
    this.#timeoutMs = timeoutMs;
  }

  /** The topics of these names that exist, with their ids and effective settings. */
  async describe(names: readonly string[], signal: AbortSignal): Promise<Map<string, Topic>> {
    const found = await this.#existing(names, signal);
    const configs = await this.#configs([...found.keys()], signal);
    const topics = new Map<string, Topic>();
    for (const name of names) {
      const topic = found.get(name);
      const config = configs.get(name);
      if (topic === undefined) continue;
      // It was deleted just now, or created just now and another broker answered: not the same as a topic that is missing.
      if (config === undefined) throw new TransientError(`Topic "${name}" comes or goes at this moment`);
      topics.set(name, { name, id: topic.id, partitions: topic.leaders.length, config });
    }
    return topics;
  }

  /** Creates what is missing and waits until every partition has a leader. Creating again is harmless. */
  async create(specs: readonly TopicSpec[], signal: AbortSignal): Promise<void> {
    let missing = await this.#missing(specs, signal);
    for (let attempt = 1; missing.length > 0; attempt++) {
      const failure = await this.#createOnce(missing, signal);
      if (failure === undefined) break;
      if (attempt === CREATE_ATTEMPTS) throw failure;
      await pause(PAUSE_MS * attempt, signal);
      missing = await this.#missing(specs, signal);
    }
    await this.#untilLed(specs, signal);
  }

  /**
   * The largest record batch that the topic takes (`max.message.bytes`), read once. `refresh` asks again: an operator may have
   * raised it meanwhile.
   */
  async maxBatchBytes(
    names: readonly string[],
    refresh: boolean,
    signal: AbortSignal,
  ): Promise<(name: string) => number> {
    const unknown = refresh ? names : names.filter((name) => !this.#maxBatchBytes.has(name));
    if (unknown.length > 0) await this.#configs([...new Set(unknown)], signal);
    return (name) => this.#maxBatchBytes.get(name) ?? Number.POSITIVE_INFINITY;
  }

  async #existing(names: readonly string[], signal: AbortSignal): Promise<Map<string, TopicMetadata>> {
    if (names.length === 0) return new Map();
    const { topics } = await this.#brokers.metadata([...new Set(names)], signal);
    const existing = topics.filter(({ errorCode }) => errorCode !== ErrorCode.unknownTopicOrPartition);
    for (const { name, errorCode } of existing) {
      if (errorCode !== ErrorCode.none && !isLeaderError(errorCode)) throw brokerError(errorCode, `Topic "${name}"`);
    }
    return new Map(existing.map((topic) => [topic.name, topic]));
  }

  async #missing(specs: readonly TopicSpec[], signal: AbortSignal): Promise<TopicSpec[]> {
    const existing = await this.#existing(
      specs.map(({ name }) => name),
      signal,
    );
    return specs.filter(({ name }) => !existing.has(name));
  }

  /** Undefined when every topic is there now; otherwise a failure that passes. */
  async #createOnce(specs: readonly TopicSpec[], signal: AbortSignal): Promise<TransientError | undefined> {
    let failure: TransientError | undefined;
    const request = createTopicsRequest(specs, this.#timeoutMs);
    const { topics } = await this.#brokers.send(this.#brokers.controller, request, signal);
    for (const { name } of specs) {
      const answer = topics.find(({ topic }) => topic === name);
      if (answer === undefined) throw new TransientError(`Topic "${name}" is missing in the answer to CreateTopics`);
      const { errorCode, errorMessage } = answer;
      if (errorCode === ErrorCode.none || errorCode === ErrorCode.topicAlreadyExists) continue;
      const error = brokerError(errorCode, `New topic "${name}"`, errorMessage);
      if (error instanceof OperatorError) throw error;
      failure = error;
    }
    return failure;
  }

  async #untilLed(specs: readonly TopicSpec[], signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + this.#timeoutMs;
    const names = specs.map(({ name }) => name);
    for (;;) {
      const existing = await this.#existing(names, signal);
      const waiting = names.find((name) => !isLed(existing.get(name)));
      if (waiting === undefined) return;
      if (performance.now() > deadline) {
        throw new TransientError(`Topic "${waiting}" was created, but has no leader yet`, {
          advice: "Look at the brokers' state; the task starts again by itself.",
        });
      }
      await pause(PAUSE_MS, signal);
    }
  }

  async #configs(names: readonly string[], signal: AbortSignal): Promise<Map<string, ReadonlyMap<string, string>>> {
    const configs = new Map<string, ReadonlyMap<string, string>>();
    if (names.length === 0) return configs;
    const { topics } = await this.#brokers.sendToAny(describeConfigsRequest(names), signal);
    for (const { topic, errorCode, errorMessage, config } of topics) {
      if (errorCode === ErrorCode.unknownTopicOrPartition) continue; // deleted since it was listed, or unknown yet
      if (errorCode !== ErrorCode.none) throw brokerError(errorCode, `Topic "${topic}"`, errorMessage);
      configs.set(topic, config);
      const limit = config.get(MAX_BATCH_BYTES);
      if (limit !== undefined) this.#maxBatchBytes.set(topic, Number(limit));
    }
    return configs;
  }
}

function isLed(topic: TopicMetadata | undefined): boolean {
  return topic !== undefined && topic.leaders.length > 0 && topic.leaders.every((node) => node >= 0);
}
