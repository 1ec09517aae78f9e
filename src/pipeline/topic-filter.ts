import { dataTopic } from '../log/protocol/topics.ts';
import type { TopicFilter } from '../sink/sink.ts';

/** Which tables a sink replays; undefined functions: all of its source. */
export interface Selection {
  readonly accepts: ((table: { readonly schema: string; readonly name: string }) => boolean) | undefined;
  readonly acceptsTopic: ((topic: string) => boolean) | undefined;
}

/** Compiles a filter: names win over expressions, which match whole names; empty lists accept everything. */
export function compileTopicFilter({ topics, topicsRegex }: TopicFilter): ((topic: string) => boolean) | undefined {
  if (topics.length > 0) return (topic) => topics.includes(topic);
  if (topicsRegex.length === 0) return undefined;
  const expressions = topicsRegex.map((expression) => new RegExp(`^(?:${expression})$`, 'u'));
  return (topic) => expressions.some((expression) => expression.test(topic));
}

/** The choice by topic, and by table for changes that name tables instead of topics. */
export function selectionOf(prefix: string, filter: TopicFilter): Selection {
  const acceptsTopic = compileTopicFilter(filter);
  if (acceptsTopic === undefined) return { accepts: undefined, acceptsTopic };
  return { accepts: ({ schema, name }) => acceptsTopic(dataTopic(prefix, schema, name)), acceptsTopic };
}

/** True when both are the same texts in the same order. */
export function isSameFilter(a: TopicFilter, b: TopicFilter): boolean {
  return JSON.stringify([a.topics, a.topicsRegex]) === JSON.stringify([b.topics, b.topicsRegex]);
}
