import { expect, test } from 'vitest';
import { descends } from '../../../src/source/trigger/identity.ts';
import { formatPosition } from '../../../src/source/trigger/position.ts';

const position = formatPosition({ lsn: 1_000, count: 0, snapshot: '5:5:' });
const server = { system: 's', timeline: 2, walLsn: 5_000 };
const noBranch = async (): Promise<number | undefined> => undefined;

test('a position is of this history on the same timeline, if WAL has come so far', async () => {
  expect(await descends(server, server, position, noBranch)).toBe(true);
  expect(await descends({ ...server, walLsn: 999 }, server, position, noBranch)).toBe(false);
  expect(await descends(server, { ...server, system: 'other' }, position, noBranch)).toBe(false);
  expect(await descends(server, { ...server, timeline: 3 }, position, noBranch)).toBe(false);
});

test('behind a failover it is so only if the timeline branched at or after it', async () => {
  const before = { system: 's', timeline: 1 };
  expect(await descends(server, before, position, async () => 1_000)).toBe(true);
  expect(await descends(server, before, position, async () => 999)).toBe(false);
  expect(await descends(server, before, position, noBranch)).toBe(false);
});

test('a position of a WAL source is not one of a trigger source', async () => {
  expect(await descends(server, server, '00000000000003E8', noBranch)).toBe(false);
});
