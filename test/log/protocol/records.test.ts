import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OperatorError } from '../../../src/errors.ts';
import {
  type Checkpoint,
  decodeJson,
  decodeLedgerRecord,
  encodeLedgerRecord,
} from '../../../src/log/protocol/records.ts';
import { addSpans } from '../../../src/log/protocol/spans.ts';

const base: Omit<Checkpoint, 'part' | 'last' | 'records' | 'spans'> = {
  kind: 'checkpoint',
  logId: 'log',
  nonce: 'n',
  claim: 1,
  number: 2,
  previous: { offset: 4, claim: 1, position: '00' },
  position: '01',
  topicIds: { a: 'id-a', b: 'id-b' },
  committedAt: 5,
  consistent: true,
};

test('a checkpoint reads back as it was written, spans in order per partition', () => {
  const spans = [
    { topic: 'a', partition: 0, base: 0, count: 3 },
    { topic: 'b', partition: 1, base: 9, count: 1 },
    { topic: 'a', partition: 0, base: 7, count: 2 },
  ];
  const values = encodeLedgerRecord({ ...base, spans });
  expect(values).toHaveLength(1);
  const read = decodeLedgerRecord(values[0] as Buffer, 't') as Checkpoint;
  expect(read.records).toBe(6);
  expect(read.last).toBe(true);
  expect(read.spans.filter((s) => s.topic === 'a')).toEqual([spans[0], spans[2]]);
  expect(read.topicIds).toEqual({ a: 'id-a', b: 'id-b' });
});

test('a large checkpoint is continued in parts below Kafka’s record limit', () => {
  const spans = Array.from({ length: 30_000 }, (_, i) => ({
    topic: 'a',
    partition: i % 7,
    base: i * 10_000_000,
    count: 3,
  }));
  const parts = encodeLedgerRecord({ ...base, spans });
  expect(parts.length).toBeGreaterThan(1);
  for (const part of parts) expect(part.length).toBeLessThan(1_000_000);
  const read = parts.map((part) => decodeLedgerRecord(part, 't') as Checkpoint);
  expect(read.flatMap((part) => part.spans)).toEqual(spans);
  expect(read.map((part) => part.last)).toEqual(read.map((_, i) => i === read.length - 1));
  expect(new Set(read.map((part) => part.records))).toEqual(new Set([90_000]));
});

test('foreign bytes are nobody’s, a newer format stops the reader', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (bytes) => {
      if (bytes[1] === 0x7b) return;
      expect(decodeLedgerRecord(Buffer.from(bytes), 't')).toBeUndefined();
    }),
  );
  expect(decodeJson(Buffer.from('\u0001{"kind":'), 't')).toBeUndefined();
  expect(() => decodeJson(Buffer.from('\u0003{"kind":"claim"}'), 't')).toThrow(OperatorError);
});

test('spans are joined only when they are adjacent', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ partition: fc.nat(2), gap: fc.nat(2), count: fc.integer({ min: 1, max: 4 }) }), {
        maxLength: 40,
      }),
      (appends) => {
        const next = [0, 0, 0];
        const covered: string[] = [];
        const spans: Parameters<typeof addSpans>[0] = [];
        for (const { partition, gap, count } of appends) {
          const first = (next[partition] as number) + gap;
          for (let i = 0; i < count; i++) covered.push(`${partition}:${first + i}`);
          next[partition] = first + count;
          addSpans(spans, [{ topic: 't', partition, base: first, count }]);
        }
        const named = spans.flatMap((s) => Array.from({ length: s.count }, (_, i) => `${s.partition}:${s.base + i}`));
        expect(named.toSorted()).toEqual(covered.toSorted());
      },
    ),
  );
});
