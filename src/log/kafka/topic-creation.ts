import { OperatorError, TransientError } from '../../errors.ts';
import type { TopicSpec } from '../log.ts';
import type { Brokers } from './brokers.ts';
import { brokerError, ErrorCode, isLeaderError } from './errors.ts';
import { pause } from './pause.ts';
import { newTopic } from './new-topic.ts';
import { createTopicsRequest } from './protocol/create-topics.ts';
import { listOffsetsRequest, PartitionEnd } from './protocol/list-offsets.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { existingTopics } from './topics.ts';
import { failPoint } from '../../failpoint.ts';

const PAUSE_MS = 50;
const CREATE_ATTEMPTS = 5;

/**
 * Creates the topics that are missing and waits until the leaders of all their partitions serve them; leaves others as they are.
 * Throws OperatorError when the cluster refuses one.
 */
export async function createTopics(
  brokers: Brokers,
  specs: readonly TopicSpec[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const created = await missing(brokers, specs, signal);
  if (created.length > 0) failPoint('log.before-topics');
  let rest = created;
  for (let attempt = 1; rest.length > 0; attempt++) {
    const failure = await createOnce(brokers, rest, timeoutMs, signal);
    if (failure === undefined) break;
    if (attempt === CREATE_ATTEMPTS) throw failure;
    await pause(PAUSE_MS * attempt, signal);
    rest = await missing(brokers, specs, signal);
  }
  if (created.length === 0) return;
  await untilServed(brokers, created, timeoutMs, signal);
  failPoint('log.topics-created');
}

async function missing(brokers: Brokers, specs: readonly TopicSpec[], signal: AbortSignal): Promise<TopicSpec[]> {
  const names = specs.map(({ name }) => name);
  const existing = await existingTopics(brokers, names, signal);
  return specs.filter(({ name }) => !existing.has(name));
}

/** Undefined when every topic is there now; otherwise a failure that passes. */
async function createOnce(
  brokers: Brokers,
  specs: readonly TopicSpec[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<TransientError | undefined> {
  let failure: TransientError | undefined;
  const { topics } = await brokers.send(
    brokers.controller,
    createTopicsRequest(specs.map(newTopic), timeoutMs),
    signal,
  );
  const answers = new Map(topics.map((each) => [each.topic, each]));
  for (const { name } of specs) {
    const answer = answers.get(name);
    if (answer === undefined) throw new TransientError(`Topic "${name}" is missing in the answer to CreateTopics`);
    const { errorCode, errorMessage } = answer;
    if (errorCode === ErrorCode.none || errorCode === ErrorCode.topicAlreadyExists) continue;
    const error = brokerError(errorCode, `New topic "${name}"`, errorMessage);
    if (error instanceof OperatorError) throw error;
    failure = error;
  }
  return failure;
}

/**
 * A broker shows who leads a new partition before that one serves it (measured: NOT_LEADER_OR_FOLLOWER on a busy single node),
 * and a publish is tried only once. So the leaders themselves are asked.
 */
async function untilServed(
  brokers: Brokers,
  specs: readonly TopicSpec[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const names = specs.map(({ name }) => name);
  for (;;) {
    const existing = await existingTopics(brokers, names, signal);
    const waiting = names.find((name) => !isLed(existing.get(name))) ?? (await unserved(brokers, existing, signal));
    if (waiting === undefined) return;
    if (performance.now() > deadline) {
      throw new TransientError(`Topic "${waiting}" was created, but has no leader yet`, {
        advice: "Look at the brokers' state; the task starts again by itself.",
      });
    }
    await pause(PAUSE_MS, signal);
  }
}

function isLed(topic: TopicMetadata | undefined): boolean {
  return topic !== undefined && topic.leaders.length > 0 && topic.leaders.every((node) => node >= 0);
}

/** A topic with a partition that its leader does not serve yet. */
async function unserved(
  brokers: Brokers,
  topics: ReadonlyMap<string, TopicMetadata>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const groups = new Map<number, { topic: string; partition: number }[]>();
  for (const { name: topic, leaders } of topics.values()) {
    leaders.forEach((node, partition) => {
      const group = groups.get(node) ?? [];
      groups.set(node, group);
      group.push({ topic, partition });
    });
  }
  for (const [node, group] of groups) {
    const { partitions } = await brokers.send(node, listOffsetsRequest(group, PartitionEnd.end), signal);
    const failed = partitions.find(({ errorCode }) => errorCode !== ErrorCode.none);
    if (failed === undefined) continue;
    const { topic, errorCode } = failed;
    if (isLeaderError(errorCode) || errorCode === ErrorCode.unknownTopicOrPartition) return topic;
    throw brokerError(errorCode, `New topic "${topic}"`);
  }
  return undefined;
}
