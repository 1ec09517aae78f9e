/** Names the record of the topic of signals that a copy was asked for by. */
export function topicPlace(offset: number): string {
  return `kafka:${offset}`;
}

/** Behind which record of the topic of signals a checkpoint lies that holds these copies (`requestId`); 0 when none is from there. */
export function offsetBehind(ids: readonly string[]): number {
  return Math.max(0, ...ids.map((id) => Number(/^kafka:(\d+)(?: |$)/.exec(id)?.[1] ?? -1) + 1));
}
