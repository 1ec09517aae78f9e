import { expect, test } from 'vitest';
import { difference } from './compare.ts';
import { Report } from './report.ts';

const KNOWN = [
  { line: 'known', reason: 'so it is' },
  { line: 'old', reason: 'only there', before: 18 },
];

test('a known difference is told, and one that is gone fails', () => {
  const report = new Report(() => undefined, KNOWN);
  report.setVersion(17);
  report.add({ name: 'known', detail: '', difference: 'x' });
  report.add({ name: 'other', detail: '' });
  report.add({ name: 'third', detail: '', difference: 'y' });
  expect([report.equal, report.known, report.failed, report.unseen]).toEqual([1, 1, ['third'], ['old']]);
  report.add({ name: 'old', detail: '' });
  expect(report.failed).toEqual(['third', 'old']);
});

test('what only older servers have is no excuse for newer ones', () => {
  const report = new Report(() => undefined, KNOWN);
  report.setVersion(18);
  report.add({ name: 'old', detail: '', difference: 'x' });
  expect(report.failed).toEqual(['old']);
});

test('rows are compared without their order, and equal ones are counted', () => {
  expect(difference([['a'], ['b'], ['a']], [['b'], ['a'], ['a']])).toBeUndefined();
  expect(difference([['a'], ['a']], [['a']])).toBe('source ["a"], replica nothing');
  expect(difference([['a']], [['a'], ['a']])).toBe('source nothing, replica ["a"]');
  expect(difference([[null]], [['']])).toBe('source [null], replica [""]');
});
