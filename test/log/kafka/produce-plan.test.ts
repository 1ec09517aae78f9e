import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Append } from '../../../src/log/log.ts';
import { planRequests, spansOf } from '../../../src/log/kafka/produce-plan.ts';
import type { RecordBatch } from '../../../src/log/record-set.ts';

/** Appends of random sizes, several to one partition too. */
const appends: fc.Arbitrary<Append[]> = fc.array(
  fc
    .record({
      topic: fc.constantFrom('a', 'b'),
      partition: fc.nat(2),
      batches: fc.array(fc.record({ size: fc.integer({ min: 61, max: 500 }), count: fc.integer({ min: 1, max: 9 }) }), {
        maxLength: 5,
      }),
    })
    .map(({ topic, partition, batches }) => appendOf(topic, partition, batches)),
  { maxLength: 8 },
);

describe('a plan of produce requests', () => {
  test('sends every batch once, a partition once per request and in its order, within the limit', () => {
    fc.assert(
      fc.property(appends, fc.integer({ min: 1, max: 1500 }), (each, maxBytes) => {
        const requests = planRequests(each, maxBytes);
        const sent = requests.flat();
        for (const request of requests) {
          expect(request.length).toBeGreaterThan(0);
          const names = request.map(({ topic, partition }) => `${topic}/${partition}`);
          expect(new Set(names).size).toBe(names.length);
          const bytes = request.reduce((sum, { batch }) => sum + batch.bytes.length, 0);
          expect(request.length === 1 || bytes <= maxBytes).toBe(true);
        }
        for (const name of new Set(each.map(({ topic, partition }) => `${topic}/${partition}`))) {
          const given = each.filter((one) => `${one.topic}/${one.partition}` === name);
          const planned = sent.filter((one) => `${one.topic}/${one.partition}` === name);
          expect(planned.map(({ batch }) => batch)).toEqual(given.flatMap(({ records }) => records.batches));
        }
        expect(sent.length).toBe(each.reduce((sum, { records }) => sum + records.batches.length, 0));
      }),
    );
  });
});

describe('spans', () => {
  test('cover every stored offset exactly once, whoever else writes in between', () => {
    fc.assert(
      fc.property(appends, fc.infiniteStream(fc.nat(2)), (each, gaps) => {
        const ends = new Map<string, number>();
        const bases = new Map<RecordBatch, number>();
        const stored: string[] = [];
        for (const { topic, partition, records } of each) {
          for (const batch of records.batches) {
            const base = (ends.get(`${topic}/${partition}`) ?? 0) + (gaps.next().value as number);
            bases.set(batch, base);
            ends.set(`${topic}/${partition}`, base + batch.count);
            for (let i = 0; i < batch.count; i++) stored.push(`${topic}/${partition}/${base + i}`);
          }
        }
        const covered = spansOf(each, bases).flatMap(({ topic, partition, base, count }) =>
          Array.from({ length: count }, (_, i) => `${topic}/${partition}/${base + i}`),
        );
        expect(covered).toEqual(stored);
      }),
    );
  });

  test('are never made up for a batch that was not stored', () => {
    expect(() => spansOf([appendOf('a', 0, [{ size: 61, count: 1 }])], new Map())).toThrow(/never stored/);
  });
});

function appendOf(topic: string, partition: number, batches: readonly { size: number; count: number }[]): Append {
  const sealed = batches.map(({ size, count }) => ({ bytes: Buffer.alloc(size), count }));
  const count = batches.reduce((sum, each) => sum + each.count, 0);
  const byteLength = batches.reduce((sum, each) => sum + each.size, 0);
  return { topic, partition, records: { batches: sealed, count, byteLength } };
}
