import type { Answer, KafkaRequest } from '../protocol/request.ts';
import { type ResponseReader, RequestWriter } from '../protocol/wire.ts';

/** What a broker says of a topic, and of our rights on it. */
export interface TopicFacts {
  readonly name: string;
  readonly errorCode: number;
  readonly partitions: number;
  /** Copies of the partition that has the fewest. */
  readonly replicas: number;
  readonly leaderless: number;
  /** Bits by the number of the operation; the lowest number there is, when the broker does not tell. */
  readonly operations: number;
}

export interface TopicFactsAnswer extends Answer {
  readonly brokers: readonly { readonly node: number; readonly host: string; readonly port: number }[];
  readonly clusterId: string;
  readonly controller: number;
  readonly topics: readonly TopicFacts[];
}

/** Numbers of Kafka's operations. @see https://kafka.apache.org/documentation/#operations_in_kafka */
export const OPERATIONS = { Read: 3, Write: 4, Describe: 8, DescribeConfigs: 10 } as const;
export type Operation = keyof typeof OPERATIONS;

const NO_ID = Buffer.alloc(16);
const NOT_TOLD = -(2 ** 31);

/** Metadata v12 with the operations that we may do; never creates a topic. @see ../protocol/metadata.ts for its form */
export function topicFactsRequest(topics: readonly string[]): KafkaRequest<TopicFactsAnswer> {
  const out = new RequestWriter().unsignedVarint(topics.length + 1);
  for (const topic of topics) out.bytes(NO_ID).compactString(topic).noTags();
  out.boolean(false).boolean(true).noTags();
  return { name: 'Metadata', apiKey: 3, apiVersion: 12, isFlexible: true, body: [out.take()], waitMs: 0, decode };
}

/** Whether the operation is allowed; true where the broker does not tell. */
export function isAllowed({ operations }: TopicFacts, operation: Operation): boolean {
  return operations === NOT_TOLD || (operations & (1 << OPERATIONS[operation])) !== 0;
}

function decode(response: ResponseReader): TopicFactsAnswer {
  const throttleMs = response.int32();
  const brokers = response.compactArray(() => {
    const broker = { node: response.int32(), host: response.compactString(), port: response.int32() };
    response.compactNullableString(); // rack
    response.skipTags();
    return broker;
  });
  const clusterId = response.compactString();
  const controller = response.int32();
  const topics = response.compactArray(() => decodeTopic(response));
  response.skipTags();
  return { throttleMs, brokers, clusterId, controller, topics };
}

function decodeTopic(response: ResponseReader): TopicFacts {
  const errorCode = response.int16();
  const name = response.compactString();
  response.raw(16); // id
  response.boolean(); // internal
  const partitions = response.compactArray(() => {
    response.int16(); // what is wrong with it: then it has no leader
    response.int32();
    const leader = response.int32();
    response.int32(); // leader epoch
    const replicas = response.compactArray(() => response.int32()).length;
    for (let lists = 0; lists < 2; lists++) response.compactArray(() => response.int32());
    response.skipTags();
    return { leader, replicas };
  });
  const operations = response.int32();
  response.skipTags();
  return {
    name,
    errorCode,
    partitions: partitions.length,
    replicas: partitions.length === 0 ? 0 : Math.min(...partitions.map(({ replicas }) => replicas)),
    leaderless: partitions.filter(({ leader }) => leader < 0).length,
    operations,
  };
}
