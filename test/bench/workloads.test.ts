import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.ts';
import { growthWorkload, VALUES } from '../../bench/growth.ts';
import { slugOf } from '../../bench/workload.ts';
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

test('every transaction of large rows but the first one updates rows of the one before', () => {
  expect(WORKLOADS.W10K.amounts(100).changes).toBe(101);
  expect(WORKLOADS.W10K.amounts(1_000).changes).toBe(1_000 + 9 * 20 + 1);
});

test('an axis has its own points, or those that a call names, and is measured end to end', () => {
  const options = parseOptions(['--growth', 'tables', '--growth', 'width=50,500']);
  expect(options?.growth).toEqual([
    ...VALUES.tables.map((value) => ({ axis: 'tables', value })),
    { axis: 'width', value: 50 },
    { axis: 'width', value: 500 },
  ]);
  expect([options?.workloads, options?.phases]).toEqual([[], ['end-to-end']]);
  expect(parseOptions(['--growth', 'tables', '--workloads', 'W1', '--phases', 'source'])).toMatchObject({
    workloads: ['W1'],
    phases: ['source'],
  });
  expect(() => parseOptions(['--growth', 'columns'])).toThrow('--growth knows tables, partitions');
  expect(() => parseOptions(['--growth', ''])).toThrow('--growth needs an axis');
  expect(() => parseOptions(['--growth', 'tables=0'])).toThrow('--growth is a whole number');
});

test('points of an axis differ in what it is about only: all widths are the same bytes, and a backlog is so many millions', () => {
  const changes = (value: number): number => growthWorkload({ axis: 'width', value }).amounts(10_000).changes - 1;
  expect(VALUES.width.map((width) => width * changes(width))).toEqual(VALUES.width.map(() => 5_000_000));
  const backlog = growthWorkload({ axis: 'backlog', value: 10 });
  expect([backlog.amounts(7).changes, backlog.load(7)]).toEqual([71, ['call load_w1(70)']]);
  expect(backlog.rows).toBe(1_000_000);
  expect(growthWorkload({ axis: 'partitions', value: 16 })).toMatchObject({ partitions: 16, table: 'w1' });
  const tables = growthWorkload({ axis: 'tables', value: 3 });
  expect([tables.tables, tables.table, slugOf(tables)]).toEqual([['t0', 't1', 't2'], 't0', 'tables_3']);
});
