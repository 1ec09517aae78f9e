import { expect, test } from 'vitest';
import { Report } from '../../src/torture/report.ts';

function round(print: (line: string) => void = () => {}): Report {
  const report = new Report(print);
  report.kill(1, 'SIGKILL at sink.claimed:1', 'other', 1000);
  report.kills = 2;
  report.points.set('sink.claimed', 2);
  report.moments.set('other', 2);
  report.fault('cut', 'source', true, 10, 500);
  return report;
}

test('several rounds are told as one', () => {
  const lines: string[] = [];
  const total = new Report((line) => void lines.push(line));
  const other = round();
  other.points.set('sink.claimed', 1).set('log.locked', 7);
  other.fault('cut', 'replica', false, 0, 100);
  total.add(round());
  total.add(other);
  expect(total.isClean).toBe(true);
  total.histogram();
  expect(lines).toContain('fail points: sink.claimed 3, log.locked 7');
  expect(lines).toContain('2 fail points were reached, each 3 times or more');
  expect(lines).toContain('cut: source 2; replica 0');
  expect(lines).toContain('    4  other');
  expect(lines.at(-2)).toMatch(/^first new row after a start behind a kill \(2 times\)/);
  total.strays = 3;
  total.fault('zombie', 'daemon', true, 10, 500);
  total.verdict(2);
  expect(lines.at(-2)).toBe('3 stray writes of services that woke up');
  expect(lines.at(-1)).toBe('4 kills in 2 rounds, 3 faults of 2 kinds, 0 lost, 0 duplicated, 0 torn');
});

test.each<[string, (report: Report) => void]>([
  ['lost', (report) => void (report.lost = 1)],
  ['duplicated', (report) => void (report.duplicated = 1)],
  ['torn', (report) => void (report.torn = 1)],
  ['a problem', (report) => report.problem('no kill at sink.claimed')],
  ['a round that has ended too early', (report) => report.failed('It hangs')],
])('one bad round among good ones is enough: %s', (_, spoil) => {
  const total = new Report(() => {});
  const bad = round();
  spoil(bad);
  total.add(bad);
  total.add(round());
  expect(total.isClean).toBe(false);
});
