import { expect, test } from 'vitest';
import { judgeResources, type Sample } from '../../src/torture/resources.ts';
import { differences, transactionsOf } from '../../src/torture/second-slot.ts';

const TOLD = [
  { ledger: 2, changes: 3 },
  { ledger: 3, changes: 1 },
  { ledger: 4, changes: 8 },
];

test("reads the ledger's rows of what the server's own decoder says", () => {
  const lines = [
    'BEGIN',
    "table public.events: INSERT: kind[text]:'table public.ledger: INSERT: txn_no[bigint]:9 changes[integer]:9'",
    'table public.ledger: INSERT: txn_no[bigint]:2 changes[integer]:3 rows_added[integer]:0',
    'COMMIT',
  ];
  expect(transactionsOf(lines)).toEqual([{ ledger: 2, changes: 3 }]);
});

test.each<[string, { ledger: number; changes: number }[], number[], string[]]>([
  ['what was told', TOLD, [2, 3, 4], []],
  ['what came behind the copy', TOLD, [3, 4], []],
  ['one that is missing', TOLD.slice(0, 2), [2, 3], ['1 transactions that the server']],
  ['one that has other changes', [...TOLD.slice(0, 2), { ledger: 4, changes: 7 }], [2, 3, 4], ['1 transactions have']],
  ['one that nobody has told', [...TOLD, { ledger: 5, changes: 1 }], [2, 3, 4], ['1 transactions of the replica']],
  ['two in the wrong order', TOLD, [3, 2, 4], ['2 transactions were not applied']],
  ['one that came twice', TOLD, [2, 3, 3, 4], ['1 transactions were not applied']],
])('compares with the truth: %s', (_, there, order, found) => {
  expect(differences(TOLD, there, order).map((each, i) => each.startsWith(found[i] ?? '?'))).toEqual(
    found.map(() => true),
  );
});

/** A process that was looked at every two seconds, and closes `leak` files fewer than it opens from one look to the next. */
function life(pid: number, length: number, leak: number): Sample[] {
  const samples = Array.from({ length }, (_, i) => i);
  return samples.map((i) => ({ pid, age: 2 * i, descriptors: 40 + leak * i, rssBytes: 200 * 1024 * 1024 }));
}

test('tells what the service needs, and how that grows', () => {
  const { line, problems } = judgeResources([...life(1, 5, 0), ...life(2, 40, 1)], 3 * 1024 * 1024);
  expect(line).toContain(
    'at most 79 file descriptors, 200 MB of memory, over 62 s of one process by 0.0 MB and 30.0 descriptors a minute',
  );
  expect(line).toContain('slots kept at most 3 MB');
  expect(problems).toEqual([]);
});

test('finds files that are never closed, and a slot that keeps everything', () => {
  expect(judgeResources(life(1, 400, 1), 0).problems).toEqual(['The service had 439 file descriptors']);
  const hours = life(1, 1000, 0).map((each, i) => ({ ...each, rssBytes: each.rssBytes + i * 100_000 }));
  expect(judgeResources(hours, 0).problems).toEqual(['The service has grown by 2.9 MB a minute']);
  expect(judgeResources(hours.slice(0, 500), 0).problems).toEqual([]);
  expect(judgeResources([], 4096 * 1024 * 1024).problems).toEqual(['A slot has kept 4096 MB']);
});
