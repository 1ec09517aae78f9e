import { expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import type { CapturedTable } from '../../../src/source/trigger/capture-tables.ts';
import { NeededCopies } from '../../../src/source/trigger/needed-copies.ts';

const table = (relationId: number, name: string): CapturedTable => ({
  relationId,
  schema: 's',
  name,
  isPartitioned: false,
  captureId: relationId * 10,
});
const [A, B] = [table(1, 'a'), table(2, 'b')];
const execute = (...names: string[]) =>
  ({ kind: 'execute', id: 'x', isBlocking: false, tables: names.map((name) => ({ schema: 's', name })) }) as const;

test('a copy that is asked for is done when its position is stored', async () => {
  let woken = 0;
  const copies = new NeededCopies(() => woken++);
  let isDone = false;
  const asked = copies.hear(execute('a'), [A, B]).then(() => (isDone = true));
  expect(woken).toBe(1);
  expect(copies.isWaiting).toBe(true);
  const taken = copies.take();
  expect(taken).toEqual([A]);
  expect(copies.isWaiting).toBe(false);
  expect(copies.handedOut(taken, '5')).toEqual({ isPaused: false, tables: [], covered: [10] });
  copies.acknowledged('4');
  await Promise.resolve();
  expect(isDone).toBe(false);
  copies.acknowledged('5');
  await asked;
  expect(copies.handedOut([], '6')).toBeUndefined();
  copies.need(B);
  expect(copies.handedOut(copies.take(), '7')?.covered).toEqual([10, 20]);
});

test('pausing keeps what waits, stopping gives it up, an end tells whoever waits', async () => {
  const copies = new NeededCopies(() => {});
  await copies.hear({ kind: 'pause', id: 'p' }, []);
  const asked = copies.hear(execute('a', 'b'), [A, B]);
  expect(copies.isWaiting).toBe(false);
  expect(copies.take()).toEqual([]);
  const lacking = table(3, 'lacking');
  copies.need(lacking); // a replica lacks its rows: nobody can pause that
  expect(copies.take()).toEqual([lacking]);
  await copies.hear({ kind: 'stop', id: 's', tables: ['s.a'] }, []);
  await copies.hear({ kind: 'resume', id: 'r' }, []);
  expect(copies.take()).toEqual([B]);
  copies.close();
  await expect(asked).rejects.toThrow(TransientError);
});

test('what cannot be copied is refused by name', async () => {
  const copies = new NeededCopies(() => {});
  await expect(copies.hear(execute('c'), [A])).rejects.toThrow('Table s.c is not captured');
  const part = { ...execute('a'), tables: [{ schema: 's', name: 'a', condition: 'id > 1' }] };
  await expect(copies.hear(part, [A])).rejects.toThrow(OperatorError);
});
