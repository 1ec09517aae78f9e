import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { murmur2, partitionOf } from '../../src/pipeline/partition.ts';

/** The reference: the partitioner's hash of the client library that users know. */
const require = createRequire(import.meta.url);
const expected = require('kafkajs/src/producer/partitioners/default/murmur2.js') as (key: Buffer) => number;

test('murmur2 is the one that Kafka’s clients compute', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(murmur2(Buffer.from(bytes), 0, bytes.length)).toBe(expected(Buffer.from(bytes)));
    }),
  );
});

test('a new schema id moves no key', () => {
  const body = Buffer.from('0000000102abcdef', 'hex');
  const moved = Buffer.concat([Buffer.from('00000009ff', 'hex'), body.subarray(5)]);
  expect(partitionOf(moved, moved.length, 12)).toBe(partitionOf(body, body.length, 12));
});
