import type { Span } from '../log.ts';

/**
 * Adds `added` to `spans`, joining a span with the last one of its partition only when they are adjacent: a foreign record
 * between them must stay outside (A5).
 */
export function addSpans(spans: Span[], added: readonly Span[]): void {
  for (const span of added) {
    const last = spans.findLastIndex((s) => s.partition === span.partition && s.topic === span.topic);
    const before = spans[last];
    if (before !== undefined && before.base + before.count === span.base) {
      spans[last] = { ...before, count: before.count + span.count };
    } else {
      spans.push(span);
    }
  }
}
