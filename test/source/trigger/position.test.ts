import { expect, test } from 'vitest';
import { formatPosition, leadingLsn, nextPosition, parsePosition } from '../../../src/source/trigger/position.ts';

test('positions grow with the end of WAL, and by a count where it stands', () => {
  const first = formatPosition({ lsn: 0x1_0000_0000, count: 0, snapshot: '9:9:' });
  const same = nextPosition(first, 0x1_0000_0000, '10:12:11');
  const later = nextPosition(same, 0x1_0000_0001, '9:9:');
  expect(first < same && same < later).toBe(true);
  expect(nextPosition(later, 5, '12:12:') > later).toBe(true);
  expect(parsePosition(same)).toEqual({ lsn: 0x1_0000_0000, count: 1, snapshot: '10:12:11' });
});

test('a position of a WAL source is behind nothing that follows, and covers no event', () => {
  const wal = '0000000100000000';
  expect(parsePosition(wal)).toBeUndefined();
  expect(leadingLsn(wal)).toBe(2 ** 32);
  expect(nextPosition(wal, 2 ** 32, '9:9:') > wal).toBe(true);
});
