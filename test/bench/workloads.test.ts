import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';
import { WORKLOADS } from '../../bench/workloads.ts';

test('the amounts of the mixed workload are those of its loop: every delete has a tombstone', () => {
  expect(WORKLOADS.W2.amounts(40)).toEqual({ changes: 41, records: 49 });
  expect(WORKLOADS.W2.amounts(500_000)).toEqual({ changes: 500_001, records: 600_001 });
});

test('a call names who runs against whom, in a fixed order', () => {
  const options = parseOptions([
    '--against',
    'debezium,native',
    '--log',
    'embedded,kafka',
    '--set',
    'max.batch.bytes=65536',
  ]);
  expect(options?.contestants).toEqual(['rowcast', 'rowcast-embedded', 'native', 'debezium']);
  expect(options?.source).toEqual({ 'max.batch.bytes': '65536' });
  expect(() => parseOptions(['--phases', 'sourze'])).toThrow('--phases knows source, sink');
});
