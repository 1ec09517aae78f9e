import { byTopic, type Answer, type KafkaRequest } from './request.ts';
import { type ResponseReader, RequestWriter } from './wire.ts';

/** One sealed record batch for one partition. */
export interface ProducePartition {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

/** What the leader says about one partition. */
export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** The offset of the batch's first record; -1 with an error. */
  readonly baseOffset: number;
  readonly errorMessage: string | null;
}

export interface ProduceAnswer extends Answer {
  readonly partitions: readonly ProducedPartition[];
}

/**
 * Produce v8 with acks=-1: the answer comes when all in-sync replicas have the batches, or after `timeoutMs`.
 *
 *     request  => transactional_id:nullable_string acks:int16 timeout_ms:int32 [topic]
 *       topic  => name:string [index:int32 records:bytes]
 *     response => [name:string [partition]] throttle_time_ms:int32
 *       partition => index:int32 error_code:int16 base_offset:int64 log_append_time_ms:int64 log_start_offset:int64
 *                    [batch_index:int32 message:nullable_string] error_message:nullable_string
 *
 * @see https://kafka.apache.org/protocol#The_Messages_Produce
 */
export function produceRequest(
  partitions: readonly ProducePartition[],
  timeoutMs: number,
): KafkaRequest<ProduceAnswer> {
  return {
    name: 'Produce',
    apiKey: 0,
    apiVersion: 8,
    isFlexible: false,
    body: encode(partitions, timeoutMs),
    waitMs: timeoutMs,
    decode,
  };
}

function encode(partitions: readonly ProducePartition[], timeoutMs: number): Buffer[] {
  const pieces: Buffer[] = [];
  const topics = byTopic(partitions);
  const out = new RequestWriter().nullableString(null).int16(-1).int32(timeoutMs).int32(topics.size);
  for (const [topic, group] of topics) {
    out.string(topic).int32(group.length);
    for (const { partition, batch } of group) {
      out.int32(partition).int32(batch.length);
      pieces.push(out.take(), batch);
    }
  }
  return pieces;
}

function decode(response: ResponseReader): ProduceAnswer {
  const topics = response.array(() => {
    const topic = response.string();
    return response.array(() => decodePartition(response, topic));
  });
  return { partitions: topics.flat(), throttleMs: response.int32() };
}

function decodePartition(response: ResponseReader, topic: string): ProducedPartition {
  const partition = response.int32();
  const errorCode = response.int16();
  const baseOffset = response.int64();
  response.int64(); // log append time
  response.int64(); // log start offset
  response.array(() => {
    response.int32();
    response.nullableString();
  });
  return { topic, partition, errorCode, baseOffset, errorMessage: response.nullableString() };
}
