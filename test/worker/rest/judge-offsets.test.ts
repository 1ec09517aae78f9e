import { expect, test } from 'vitest';
import { judgeOffsets } from '../../../src/worker/rest/judge-offsets.ts';

const SOURCE = [
  { partition: { server: 'shop' }, offset: { lsn: 153, lsn_proc: 153, position: '0/99', checkpoint: 4 } },
];
const SINK = [
  { partition: { kafka_topic: 'shop.checkpoints', kafka_partition: 0 }, offset: { kafka_offset: 7, position: '0/98' } },
];

test('offsets of null are a reset, also of what has never run', () => {
  expect(judgeOffsets('a', 'source', [{ partition: { server: 'shop' }, offset: null }], SOURCE)).toBe('reset');
  expect(judgeOffsets('a', 'source', [{ partition: { server: 'other' } }], [])).toBe('reset');
  const partition = { kafka_topic: 'shop.checkpoints', kafka_partition: '0' };
  expect(judgeOffsets('a', 'sink', [{ partition, offset: null }], SINK)).toBe('reset');
});

test('what was shown may be sent back, whole or in part, numbers as texts too', () => {
  expect(judgeOffsets('a', 'source', SOURCE, SOURCE)).toBe('unchanged');
  expect(judgeOffsets('a', 'source', [{ partition: { server: 'shop' }, offset: { lsn: '153' } }], SOURCE)).toBe(
    'unchanged',
  );
  const partition = { kafka_topic: 'shop.checkpoints', kafka_partition: 0 };
  expect(judgeOffsets('a', 'sink', [{ partition, offset: { kafka_offset: '7' } }], SINK)).toBe('unchanged');
});

test.each<[string, 'source' | 'sink', unknown, RegExp]>([
  ['another place', 'source', { partition: { server: 'shop' }, offset: { lsn: 154 } }, /doesn't support external/],
  [
    'a member that is not there',
    'source',
    { partition: { server: 'shop' }, offset: { toString: 1 } },
    /doesn't support/,
  ],
  ['another partition', 'source', { partition: { server: 'x' }, offset: null }, /there is \{"server":"shop"\}/],
  ['no partition', 'source', { offset: null }, /cannot be null or missing$/],
  ['an offset that is a number', 'source', { partition: { server: 'shop' }, offset: 3 }, /must be an object, or null/],
  ['one topic too few', 'sink', { partition: { kafka_partition: 0 }, offset: null }, /must contain the keys/],
  ['a partition of minus one', 'sink', { partition: { kafka_topic: 't', kafka_partition: -1 } }, /need to be integers/],
])('%s is refused', (_, kind, offset, message) => {
  expect(() => judgeOffsets('a', kind, [offset], kind === 'source' ? SOURCE : SINK)).toThrow(message);
});

test('a reset of one partition beside another offset is refused', () => {
  const partition = { server: 'shop' };
  const mixed = [
    { partition, offset: null },
    { partition, offset: { lsn: 153 } },
  ];
  expect(() => judgeOffsets('a', 'source', mixed, SOURCE)).toThrow("doesn't support external");
});
