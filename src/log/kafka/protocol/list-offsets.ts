import { type Answer, byTopic, type KafkaRequest } from './request.ts';
import { type ResponseReader, RequestWriter } from './wire.ts';

/** Which end of a partition: its first offset, or the one that its next record will be given. */
export const PartitionEnd = { start: -2, end: -1 } as const;
export type PartitionEnd = (typeof PartitionEnd)[keyof typeof PartitionEnd];

export interface ListOffsetsAnswer extends Answer {
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly errorCode: number;
    readonly offset: number;
  }[];
}

/**
 * ListOffsets v5 for one end of each partition, read_uncommitted (a broker refuses a partition that is asked for twice).
 *
 *     request  => replica_id:int32 isolation_level:int8 [name:string [index:int32 current_leader_epoch:int32 timestamp:int64]]
 *     response => throttle_time_ms:int32 [name:string [partition]]
 *       partition => index:int32 error_code:int16 timestamp:int64 offset:int64 leader_epoch:int32
 *
 * @see https://kafka.apache.org/protocol#The_Messages_ListOffsets
 */
export function listOffsetsRequest(
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  end: PartitionEnd,
): KafkaRequest<ListOffsetsAnswer> {
  const out = new RequestWriter().int32(-1).int8(0);
  out.array([...byTopic(partitions)], ([topic, group]) => {
    out.string(topic).array(group, ({ partition }) => out.int32(partition).int32(-1).int64(end));
  });
  return {
    name: 'ListOffsets',
    apiKey: 2,
    apiVersion: 5,
    isFlexible: false,
    body: [out.take()],
    waitMs: 0,
    decode,
  };
}

function decode(response: ResponseReader): ListOffsetsAnswer {
  const throttleMs = response.int32();
  const topics = response.array(() => {
    const topic = response.string();
    return response.array(() => {
      const partition = response.int32();
      const errorCode = response.int16();
      response.int64(); // timestamp
      const offset = response.int64();
      response.int32(); // leader epoch
      return { topic, partition, errorCode, offset };
    });
  });
  return { throttleMs, partitions: topics.flat() };
}
