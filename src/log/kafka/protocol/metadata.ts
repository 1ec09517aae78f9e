import { TransientError } from '../../../errors.ts';
import type { Answer, KafkaRequest } from './request.ts';
import { type ResponseReader, RequestWriter } from './wire.ts';

export interface BrokerMetadata {
  readonly node: number;
  readonly host: string;
  readonly port: number;
}

export interface TopicMetadata {
  readonly name: string;
  readonly errorCode: number;
  /** Changes when the topic is deleted and created again; in Kafka's own spelling (base64url). */
  readonly id: string;
  /** Node of the leader by partition; -1 where there is none now. */
  readonly leaders: readonly number[];
}

export interface MetadataAnswer extends Answer {
  readonly brokers: readonly BrokerMetadata[];
  readonly clusterId: string;
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

const NO_ID = Buffer.alloc(16);

/**
 * Metadata v12 (Kafka 3.1), which has topic ids. Never creates a topic.
 *
 *     request  => [topic_id:uuid name:compact_nullable_string tags] allow_auto_topic_creation:boolean
 *                 include_topic_authorized_operations:boolean tags
 *     response => throttle_time_ms:int32 [broker] cluster_id:compact_nullable_string controller_id:int32 [topic] tags
 *       broker => node_id:int32 host:compact_string port:int32 rack:compact_nullable_string tags
 *       topic  => error_code:int16 name:compact_nullable_string topic_id:uuid is_internal:boolean [partition]
 *                 topic_authorized_operations:int32 tags
 *       partition => error_code:int16 partition_index:int32 leader_id:int32 leader_epoch:int32 [replica:int32]
 *                    [in_sync_replica:int32] [offline_replica:int32] tags
 *
 * @see https://kafka.apache.org/protocol#The_Messages_Metadata
 */
export function metadataRequest(topics: readonly string[]): KafkaRequest<MetadataAnswer> {
  const out = new RequestWriter().unsignedVarint(topics.length + 1);
  for (const topic of topics) out.bytes(NO_ID).compactString(topic).noTags();
  out.boolean(false).boolean(false).noTags();
  return {
    name: 'Metadata',
    apiKey: 3,
    apiVersion: 12,
    isFlexible: true,
    body: [out.take()],
    waitMs: 0,
    decode,
  };
}

function decode(response: ResponseReader): MetadataAnswer {
  const throttleMs = response.int32();
  const brokers = response.compactArray(() => decodeBroker(response));
  const clusterId = response.compactString();
  const controller = response.int32();
  const topics = response.compactArray(() => decodeTopic(response));
  response.skipTags();
  return { throttleMs, brokers, clusterId, controller, topics };
}

function decodeBroker(response: ResponseReader): BrokerMetadata {
  const node = response.int32();
  const host = response.compactString();
  const port = response.int32();
  response.compactNullableString(); // rack
  response.skipTags();
  return { node, host, port };
}

function decodeTopic(response: ResponseReader): TopicMetadata {
  const errorCode = response.int16();
  const name = response.compactString();
  const id = response.raw(16).toString('base64url');
  response.boolean(); // internal
  const partitions = response.compactArray(() => decodePartition(response));
  response.int32(); // authorized operations
  response.skipTags();
  return { name, errorCode, id, leaders: leadersOf(partitions, name) };
}

interface PartitionMetadata {
  readonly partition: number;
  readonly leader: number;
}

function decodePartition(response: ResponseReader): PartitionMetadata {
  response.int16(); // what is wrong with the partition: then it has no leader
  const [partition, leader] = [response.int32(), response.int32()];
  response.int32(); // leader epoch
  for (let lists = 0; lists < 3; lists++) response.compactArray(() => response.int32());
  response.skipTags();
  return { partition, leader };
}

/** Brokers tell of all partitions of a topic: none has a number that there is no room for. */
function leadersOf(partitions: readonly PartitionMetadata[], topic: string): readonly number[] {
  const leaders = Array.from(partitions, () => -1);
  for (const { partition, leader } of partitions) {
    if (partition < 0 || partition >= leaders.length) {
      throw new TransientError(
        `The answer to Metadata names partition ${partition} of topic ${topic}, which has ${leaders.length}`,
      );
    }
    leaders[partition] = leader;
  }
  return leaders;
}
