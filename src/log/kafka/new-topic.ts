import type { TopicSpec } from '../log.ts';

/**
 * A topic as it is created on Kafka. Unless the spec has it otherwise, the time of its records is that of the broker: by a clock of ours that is wrong,
 * it would refuse them (more than an hour ahead, Kafka 4), or delete them too early.
 */
export function newTopic(spec: TopicSpec): TopicSpec {
  return { ...spec, config: { 'message.timestamp.type': 'LogAppendTime', ...spec.config } };
}
