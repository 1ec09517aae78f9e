import { TransientError } from '../../errors.ts';
import type { Topic } from '../log.ts';
import type { Brokers } from './brokers.ts';
import { brokerError, ErrorCode, isLeaderError } from './errors.ts';
import { type DescribeConfigsAnswer, describeConfigsRequest } from './protocol/describe-configs.ts';
import { type MetadataAnswer, metadataRequest, type TopicMetadata } from './protocol/metadata.ts';

const MAX_BATCH_BYTES = 'max.message.bytes';

/** What the cluster says about topics: which exist, and how they are set. */
export class Topics {
  readonly #brokers: Brokers;
  readonly #maxBatchBytes = new Map<string, number>();

  constructor(brokers: Brokers) {
    this.#brokers = brokers;
  }

  /** The topics of these names that exist, with their ids and effective settings. */
  async describe(names: readonly string[], signal: AbortSignal): Promise<Map<string, Topic>> {
    const found = await existingTopics(this.#brokers, names, signal);
    const configs = await this.#configs([...found.keys()], signal);
    const topics = new Map<string, Topic>();
    for (const name of names) {
      const topic = found.get(name);
      const config = configs.get(name);
      if (topic === undefined) continue;
      // It was deleted just now: not the same as a topic that is missing.
      if (config === undefined) throw new TransientError(`Topic "${name}" comes or goes at this moment`);
      topics.set(name, { name, id: topic.id, partitions: topic.leaders.length, config });
    }
    return topics;
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

  async #configs(names: readonly string[], signal: AbortSignal): Promise<Map<string, ReadonlyMap<string, string>>> {
    if (names.length === 0) return new Map();
    const found = this.#known(await this.#brokers.sendToAny(describeConfigsRequest(names), signal));
    const missing = names.filter((name) => !found.has(name));
    if (missing.length === 0) return found;
    const answers = await this.#brokers.sendToEach(describeConfigsRequest(missing), signal);
    return new Map([...answers.flatMap((answer) => [...this.#known(answer)]), ...found]);
  }

  #known({ topics }: DescribeConfigsAnswer): Map<string, ReadonlyMap<string, string>> {
    const known = topics.filter(({ errorCode }) => errorCode !== ErrorCode.unknownTopicOrPartition);
    for (const { topic, errorCode, errorMessage, config } of known) {
      if (errorCode !== ErrorCode.none) throw brokerError(errorCode, `Topic "${topic}"`, errorMessage);
      const limit = config.get(MAX_BATCH_BYTES);
      if (limit !== undefined) this.#maxBatchBytes.set(topic, Number(limit));
    }
    return new Map(known.map(({ topic, config }) => [topic, config]));
  }
}

/** Those of the topics that exist. What one broker does not know may be new: the others are asked too. */
export async function existingTopics(
  brokers: Brokers,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, TopicMetadata>> {
  const wanted = [...new Set(names)];
  if (wanted.length === 0) return new Map();
  const found = existing(await brokers.metadata(wanted, signal));
  const missing = wanted.filter((name) => !found.has(name));
  if (missing.length === 0) return found;
  const answers = await brokers.sendToEach(metadataRequest(missing), signal);
  return new Map([...answers.flatMap((answer) => [...existing(answer)]), ...found]);
}

function existing({ topics }: MetadataAnswer): Map<string, TopicMetadata> {
  const found = topics.filter(({ errorCode }) => errorCode !== ErrorCode.unknownTopicOrPartition);
  for (const { name, errorCode } of found) {
    if (errorCode !== ErrorCode.none && !isLeaderError(errorCode)) throw brokerError(errorCode, `Topic "${name}"`);
  }
  return new Map(found.map((topic) => [topic.name, topic]));
}
