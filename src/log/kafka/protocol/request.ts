import type { ResponseReader } from './wire.ts';

/** What every answer of a broker has. */
export interface Answer {
  /** How long the broker wants to be left alone (its quota), in milliseconds. */
  readonly throttleMs: number;
}

/**
 * One request in one version of one API: its encoded body, and how its answer is decoded. Pure, so that both are testable
 * without a broker.
 * @see https://kafka.apache.org/protocol#protocol_api_keys
 */
export interface KafkaRequest<T extends Answer> {
  readonly name: string;
  readonly apiKey: number;
  readonly apiVersion: number;
  /** True for versions with tagged fields: one more byte in the headers of request and response. */
  readonly isFlexible: boolean;
  /** The body, in pieces that go out one after another: record batches are not copied. */
  readonly body: readonly Buffer[];
  /** How long the broker may wait on purpose before it answers, in milliseconds. */
  readonly waitMs: number;
  /** Decodes the body of the answer; throws TransientError when it ends too early. */
  decode(response: ResponseReader): T;
}

/** Groups what belongs to topics, as Kafka's requests nest it, in the order of first appearance. */
export function byTopic<T extends { readonly topic: string }>(items: readonly T[]): Map<string, T[]> {
  const topics = new Map<string, T[]>();
  for (const item of items) {
    const group = topics.get(item.topic);
    if (group === undefined) topics.set(item.topic, [item]);
    else group.push(item);
  }
  return topics;
}
