import { OperatorError, TransientError } from '../../errors.ts';
import type { Brokers } from './brokers.ts';
import { brokerError, ErrorCode, isLeaderError, partitionName } from './errors.ts';
import type { Leaders } from './leaders.ts';
import { pause } from './pause.ts';
import type { Answer, KafkaRequest } from './protocol/request.ts';

/** A leader that moves is found again by the second attempt, mostly. */
export const READ_ATTEMPTS = 4;
export const READ_PAUSE_MS = 100;

interface PartitionAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

/**
 * Asks the leader of one partition and returns what it says about that partition; asks again when the leader has moved or the
 * connection broke. Only for requests that may be repeated: never for a produce.
 */
export async function askLeader<P extends PartitionAnswer>(
  brokers: Brokers,
  leaders: Leaders,
  topic: string,
  partition: number,
  request: KafkaRequest<Answer & { readonly partitions: readonly P[] }>,
  signal: AbortSignal,
): Promise<P> {
  const subject = partitionName(topic, partition);
  for (let attempt = 1; ; attempt++) {
    let failure: Error;
    const node = await leaders.of(topic, partition, signal);
    try {
      const { partitions } = await brokers.send(node, request, signal);
      const answer = partitions.find((each) => each.topic === topic && each.partition === partition);
      if (answer?.errorCode === ErrorCode.none) return answer;
      const code = answer?.errorCode;
      if (code === undefined) throw new TransientError(`${subject} is missing in the answer to ${request.name}`);
      failure = brokerError(code, subject);
      if (!isLeaderError(code) && code !== ErrorCode.unknownTopicOrPartition) throw failure;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof OperatorError || !(error instanceof TransientError)) throw error;
      failure = error;
    }
    leaders.forget(topic);
    if (attempt === READ_ATTEMPTS) throw failure;
    await pause(READ_PAUSE_MS, signal);
  }
}
