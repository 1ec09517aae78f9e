import type { Span } from '../log.ts';

type Partition = Pick<Span, 'topic' | 'partition'>;

/**
 * Adds `added` to `spans`, joining a span with the last one of its partition only when they are adjacent: a foreign record
 * between them must stay outside (A5).
 */
export function addSpans(spans: Span[], added: readonly Span[]): void {
  const lasts = new Map(spans.map((span, i) => [nameOf(span), i]));
  for (const span of added) {
    const last = lasts.get(nameOf(span)) ?? -1;
    const before = spans[last];
    if (before !== undefined && before.base + before.count === span.base) {
      spans[last] = { ...before, count: before.count + span.count };
    } else {
      lasts.set(nameOf(span), spans.push(span) - 1);
    }
  }
}

function nameOf({ topic, partition }: Partition): string {
  return `${partition}/${topic}`;
}
