import type { TopicSpec } from '../../log.ts';
import type { Answer, KafkaRequest } from './request.ts';
import { type ResponseReader, RequestWriter } from './wire.ts';

export interface CreateTopicsAnswer extends Answer {
  readonly topics: readonly {
    readonly topic: string;
    readonly errorCode: number;
    readonly errorMessage: string | null;
  }[];
}

/**
 * CreateTopics v4; for the controller. A replication factor of -1 is the broker's default. With `validateOnly` nothing is created:
 * the answer says what would happen.
 *
 *     request  => [topic] timeout_ms:int32 validate_only:boolean
 *       topic  => name:string num_partitions:int32 replication_factor:int16 [assignment] [name:string value:nullable_string]
 *     response => throttle_time_ms:int32 [name:string error_code:int16 error_message:nullable_string]
 *
 * @see https://kafka.apache.org/protocol#The_Messages_CreateTopics
 */
export function createTopicsRequest(
  specs: readonly TopicSpec[],
  timeoutMs: number,
  validateOnly: boolean = false,
): KafkaRequest<CreateTopicsAnswer> {
  const out = new RequestWriter();
  out.array(specs, (spec) => {
    out
      .string(spec.name)
      .int32(spec.partitions)
      .int16(spec.replicationFactor ?? -1);
    out.int32(0); // assignments
    out.array(Object.entries(spec.config), ([name, value]) => out.string(name).nullableString(value));
  });
  out.int32(timeoutMs).boolean(validateOnly);
  return {
    name: 'CreateTopics',
    apiKey: 19,
    apiVersion: 4,
    isFlexible: false,
    body: [out.take()],
    waitMs: timeoutMs,
    decode,
  };
}

function decode(response: ResponseReader): CreateTopicsAnswer {
  const throttleMs = response.int32();
  const topics = response.array(() => ({
    topic: response.string(),
    errorCode: response.int16(),
    errorMessage: response.nullableString(),
  }));
  return { throttleMs, topics };
}
