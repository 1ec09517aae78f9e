import type { Answer, KafkaRequest } from './request.ts';
import { type ResponseReader, RequestWriter } from './wire.ts';

export interface DescribeConfigsAnswer extends Answer {
  readonly topics: readonly {
    readonly topic: string;
    readonly errorCode: number;
    readonly errorMessage: string | null;
    /** Effective settings, the broker's defaults included; sensitive ones left out. */
    readonly config: ReadonlyMap<string, string>;
  }[];
}

const TOPIC = 2;

/**
 * DescribeConfigs v3 for all settings of topics; for any broker.
 *
 *     request  => [resource_type:int8 resource_name:string configuration_keys:nullable_array] include_synonyms:boolean
 *                 include_documentation:boolean
 *     response => throttle_time_ms:int32 [result]
 *       result => error_code:int16 error_message:nullable_string resource_type:int8 resource_name:string [config]
 *       config => name:string value:nullable_string read_only:boolean config_source:int8 is_sensitive:boolean
 *                 [name:string value:nullable_string source:int8] config_type:int8 documentation:nullable_string
 *
 * @see https://kafka.apache.org/protocol#The_Messages_DescribeConfigs
 */
export function describeConfigsRequest(topics: readonly string[]): KafkaRequest<DescribeConfigsAnswer> {
  const out = new RequestWriter();
  out
    .array(topics, (topic) => out.int8(TOPIC).string(topic).int32(-1))
    .boolean(false)
    .boolean(false);
  return {
    name: 'DescribeConfigs',
    apiKey: 32,
    apiVersion: 3,
    isFlexible: false,
    body: [out.take()],
    waitMs: 0,
    decode,
  };
}

function decode(response: ResponseReader): DescribeConfigsAnswer {
  const throttleMs = response.int32();
  const topics = response.array(() => {
    const errorCode = response.int16();
    const errorMessage = response.nullableString();
    response.int8(); // resource type
    const topic = response.string();
    return { topic, errorCode, errorMessage, config: decodeConfig(response) };
  });
  return { throttleMs, topics };
}

function decodeConfig(response: ResponseReader): Map<string, string> {
  const config = new Map<string, string>();
  response.array(() => {
    const name = response.string();
    const value = response.nullableString();
    response.boolean(); // read only
    response.int8(); // source
    response.boolean(); // sensitive: has no value
    response.array(() => {
      response.string();
      response.nullableString();
      response.int8();
    });
    response.int8(); // type
    response.nullableString(); // documentation
    if (value !== null) config.set(name, value);
  });
  return config;
}
