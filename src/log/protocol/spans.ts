import type { Span } from '../log.ts';
import { partitionKey } from '../partition-key.ts';

/**
 * Adds `added` to `spans`, joining a span with the last one of its partition only when they are adjacent: a foreign record
 * between them must stay outside (A5).
 */
export function addSpans(spans: Span[], added: readonly Span[]): void {
  const lasts = new Map(spans.map((span, i) => [partitionKey(span), i]));
  for (const span of added) {
    const last = lasts.get(partitionKey(span)) ?? -1;
    const before = spans[last];
    if (before !== undefined && before.base + before.count === span.base) {
      spans[last] = { ...before, count: before.count + span.count };
    } else {
      lasts.set(partitionKey(span), spans.push(span) - 1);
    }
  }
}
