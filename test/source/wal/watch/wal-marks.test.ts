import { expect, test } from 'vitest';
import { WalMarks } from '../../../../src/source/wal/watch/wal-marks.ts';

test('a place between two looks is as many transactions behind as its part of the bytes', () => {
  const marks = new WalMarks();
  marks.add({ lsn: 1000, xid: 50 });
  marks.add({ lsn: 2000, xid: 150 });
  marks.add({ lsn: 2100, xid: 400 });
  expect(marks.lag(2100)).toEqual({ bytes: 0, transactions: 0 });
  expect(marks.lag(5000)).toEqual({ bytes: 0, transactions: 0 });
  expect(marks.lag(2000)).toEqual({ bytes: 100, transactions: 250 });
  expect(marks.lag(1250)).toEqual({ bytes: 850, transactions: 325 });
});

test('a place before the first look is told in bytes only', () => {
  const marks = new WalMarks();
  expect(marks.lag(10)).toBeUndefined();
  marks.add({ lsn: 1000, xid: 50 });
  expect(marks.lag(10)).toEqual({ bytes: 990, transactions: undefined });
  expect(marks.lag(1000)).toEqual({ bytes: 0, transactions: 0 });
});

test('looks are thinned out, the older ones more', () => {
  const marks = new WalMarks();
  for (let i = 0; i <= 100_000; i++) marks.add({ lsn: i * 1000, xid: i });
  expect(marks.lag(99_990_500)).toEqual({ bytes: 9500, transactions: 10 });
  expect(marks.lag(1000)).toEqual({ bytes: 99_999_000, transactions: 99_999 });
});

test('another server begins anew', () => {
  const marks = new WalMarks();
  marks.add({ lsn: 1000, xid: 50 });
  marks.add({ lsn: 500, xid: 60 });
  expect(marks.lag(400)).toEqual({ bytes: 100, transactions: undefined });
});
