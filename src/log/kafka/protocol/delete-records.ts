import type { Answer, KafkaRequest } from './request.ts';
import { type ResponseReader, RequestWriter } from './wire.ts';

export interface DeleteRecordsAnswer extends Answer {
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    /** The partition's first offset now. */
    readonly lowWatermark: number;
    readonly errorCode: number;
  }[];
}

/**
 * DeleteRecords v1: deletes what lies below `before` in one partition; for its leader.
 *
 *     request  => [name:string [partition_index:int32 offset:int64]] timeout_ms:int32
 *     response => throttle_time_ms:int32 [name:string [partition_index:int32 low_watermark:int64 error_code:int16]]
 *
 * @see https://kafka.apache.org/protocol#The_Messages_DeleteRecords
 */
export function deleteRecordsRequest(
  topic: string,
  partition: number,
  before: number,
  timeoutMs: number,
): KafkaRequest<DeleteRecordsAnswer> {
  const out = new RequestWriter().int32(1).string(topic).int32(1).int32(partition).int64(before).int32(timeoutMs);
  return {
    name: 'DeleteRecords',
    apiKey: 21,
    apiVersion: 1,
    isFlexible: false,
    body: [out.take()],
    waitMs: timeoutMs,
    decode,
  };
}

function decode(response: ResponseReader): DeleteRecordsAnswer {
  const throttleMs = response.int32();
  const topics = response.array(() => {
    const topic = response.string();
    return response.array(() => ({
      topic,
      partition: response.int32(),
      lowWatermark: response.int64(),
      errorCode: response.int16(),
    }));
  });
  return { throttleMs, partitions: topics.flat() };
}
