import { expect, test } from 'vitest';
import type { Connector, ConnectState, Details } from '../../src/ui/answers.ts';
import { actionsFor } from '../../src/ui/actions.ts';
import { lagOf, rowsOf, stateInWords, toneOf } from '../../src/ui/reading.ts';
import { duration, perSecond } from '../../src/ui/text.ts';

const DETAILS: Details = { file: 'shop.json', problems: [], warnings: [] };

function connector(state: ConnectState, details: Partial<Details> = {}): Connector {
  const info = { name: 'shop', type: 'source', config: {} } as const;
  return { info, status: { connector: { state }, rowcast: { ...DETAILS, ...details } } };
}

test.each([
  ['RUNNING', [], 'good'],
  ['RUNNING', ['slot.name is missing'], 'busy'],
  ['RESTARTING', [], 'busy'],
  ['FAILED', [], 'bad'],
  ['PAUSED', [], 'off'],
  ['STOPPED', [], 'off'],
] as const)('%s with problems %j is %s', (state, problems, tone) => {
  expect(toneOf(connector(state, { problems }))).toBe(tone);
});

test('the state says what Connect’s word leaves open', () => {
  expect(stateInWords(connector('RESTARTING'))).toBe('RESTARTING (tries again by itself)');
  expect(stateInWords(connector('RUNNING'))).toBe('RUNNING');
});

test('rows are what a source sent, or what a sink applied', () => {
  expect(rowsOf({ ...DETAILS, counters: { changes: 7, records: 9 } })).toBe(7);
  expect(
    rowsOf({ ...DETAILS, counters: { commits: 9, copied: 1, inserts: 2, updates: 3, deletes: 4, key_changes: 5 } }),
  ).toBe(15);
  expect(rowsOf(DETAILS)).toBe(0);
});

test('lag is the sink’s, or the age of the last commit that a source has sent', () => {
  expect(lagOf({ ...DETAILS, lag_ms: 12 }, 1_000)).toBe(12);
  expect(lagOf({ ...DETAILS, lag_ms: null }, 1_000)).toBeUndefined();
  expect(lagOf({ ...DETAILS, committed_at: 900 }, 1_000)).toBe(100);
  expect(lagOf(DETAILS, 1_000)).toBeUndefined();
});

test.each([
  ['RUNNING', ['Pause', 'Restart', 'Stop', 'Snapshot']],
  ['FAILED', ['Pause', 'Restart', 'Stop']],
  ['PAUSED', ['Resume', 'Stop']],
  ['STOPPED', ['Resume']],
] as const)('a source that is %s can be told to %j', (state, expected) => {
  const possible = actionsFor(connector(state)).filter(({ isPossible }) => isPossible(state));
  expect(possible.map(({ name }) => name)).toEqual(expected);
});

test('numbers are short', () => {
  expect([4, 1_234, 90_000, 5_400_000].map(duration)).toEqual(['4 ms', '1.2 s', '2 min', '1.5 h']);
  expect([0, 2.34, 12_345].map(perSecond)).toEqual(['0/s', '2.3/s', '12.3K/s']);
});
