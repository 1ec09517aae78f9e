import { expect, test } from 'vitest';
import { Unseen } from '../../../../src/source/wal/request/unseen.ts';

test('what was running at the beginning has to end before rows are read, also what the snapshot does not list', () => {
  const unseen = new Unseen([100, 110, 120]);
  expect(unseen.isShownBy('100:120:100,110')).toBe(false);
  expect(unseen.isShownBy('120:120:')).toBe(false); // 120 is at its end: running, and not listed
  expect(unseen.isShownBy('124:130:124,126')).toBe(true); // later ones do not matter
});

test('what was streamed has to be seen, whatever its epoch is', () => {
  const epoch = 3n * 0x1_0000_0000n;
  const snapshot = (xmin: bigint, xmax: bigint, running: bigint[]): string =>
    `${epoch + xmin}:${epoch + xmax}:${running.map((xid) => epoch + xid).join(',')}`;
  const unseen = new Unseen([]);
  unseen.streamed(12);
  unseen.streamed(13);
  expect(unseen.isShownBy(snapshot(12n, 14n, [12n]))).toBe(false);
  expect(unseen.isShownBy(snapshot(14n, 14n, []))).toBe(true);
  unseen.streamed(20);
  expect(unseen.isShownBy(snapshot(14n, 19n, []))).toBe(false);
  expect(unseen.isShownBy(snapshot(14n, 21n, []))).toBe(true);
});
