import { expect, test } from 'vitest';
import { follow } from '../../src/cli/tail.ts';
import { recordLine } from '../../src/cli/tail-lines.ts';
import type { RecordView } from '../../src/worker/tail/record-view.ts';
import type { TailAnswer } from '../../src/worker/tail/tail.ts';

const AT = Date.UTC(2026, 10, 22, 4, 5, 6, 789);

function record(more: Partial<RecordView>): RecordView {
  return { partition: 0, offset: 12, timestamp: AT, kind: 'insert', key: { id: '7' }, ...more };
}

test.each<[Partial<RecordView>, string]>([
  [{ after: { id: '7', note: "it's new", none: null } }, `insert     id=7 note='it's new' none=NULL`],
  [
    { kind: 'update', before: { id: '7', qty: '3', at: 'x' }, after: { id: '7', qty: '4', at: 'x' } },
    'update     id=7  qty: 3 -> 4',
  ],
  [{ kind: 'update', before: { id: '7' }, after: { id: '7', qty: '4' } }, 'update     id=7  qty: ? -> 4'],
  [{ kind: 'update', after: { id: '7', qty: '4' } }, 'update     id=7 qty=4'],
  [{ kind: 'delete', before: { id: '7', qty: null } }, 'delete     id=7'],
  [{ kind: 'delete', key: null, before: { id: '7', qty: null } }, 'delete     id=7 qty=NULL'],
  [{ kind: 'tombstone' }, 'tombstone  id=7'],
  [{ kind: 'event', key: '42', value: '{"a":\n1}' }, 'event      42  {"a":\\n1}'],
  [{ kind: 'record', key: null, problem: 'Schema 9 is not known' }, 'record     cannot be read: Schema 9 is not known'],
  [{ key: null, after: { text: 'y'.repeat(100) } }, `insert     text=${'y'.repeat(60)}…`],
])('%j is one line', (more, line) => {
  expect(recordLine(record(more))).toBe(`04:05:06.789  0:12       ${line}`);
});

const OPTIONS = { from: 'start', follow: false } as const;

function pages(...answers: readonly TailAnswer[]) {
  const asked: string[] = [];
  const page = async (from: string, limit: number, waitMs: number): Promise<TailAnswer> => {
    asked.push(`${from} ${limit} ${waitMs}`);
    return answers[asked.length - 1] as TailAnswer;
  };
  return { asked, page };
}

const some = (offset: number, isAtEnd: boolean): TailAnswer => {
  return { records: [record({ offset, after: { id: '1' } })], next: { 0: offset + 1, 1: 4 }, isAtEnd };
};

test('page after page is asked for where the last one ended, until nothing is left', async () => {
  const { asked, page } = pages(some(1, false), some(2, true));
  const lines: string[] = [];
  await follow(page, OPTIONS, (line) => lines.push(line));
  expect(asked).toEqual(['start 500 0', '0:2,1:4 500 0']);
  expect(lines).toHaveLength(2);
});

test('no more records are asked for than are to be printed, also while it follows', async () => {
  const { asked, page } = pages(some(1, true), some(2, true));
  await follow(page, { ...OPTIONS, follow: true, limit: 2 }, () => undefined);
  expect(asked).toEqual(['start 2 5000', '0:2,1:4 1 5000']);
});

test('a program gets one object a line', async () => {
  const lines: string[] = [];
  await follow(pages(some(1, true)).page, { ...OPTIONS, json: true }, (line) => lines.push(line));
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ offset: 1, kind: 'insert', key: { id: '7' }, after: { id: '1' } });
});
