import { expect, test } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import type { CountingCheckpoint } from '../../src/log/protocol/counter.ts';
import type { Claim, ClaimedCapture } from '../../src/log/protocol/records.ts';
import { proveCovered } from '../../src/pipeline/capture.ts';
import type { History } from '../../src/pipeline/ledger.ts';
import type { Capture } from '../../src/source/source.ts';

const LISTS = { 'table.include.list': ['public.a'] };

/** The capture that a source with LISTS is asked to compare with; claims are given by offset, the last checkpoint is of claim 1. */
async function comparedWith(...captures: readonly (ClaimedCapture | undefined)[]): Promise<Capture | undefined> {
  let asked: Capture | undefined;
  const claims = captures.map((capture, offset) => ({
    offset,
    claim: { kind: 'claim', system: '1', ...(capture && { capture }) } as Claim,
  }));
  const history: History = { logId: 'log', claims, checkpoint: { claim: 1 } as CountingCheckpoint, acceptances: [] };
  const held = {
    identity: { system: '1', timeline: 1, publication: '1' },
    capture: { lists: LISTS, tables: [] },
    assertCovered: async (before: Capture) => void (asked = before),
  };
  await proveCovered(history, {} as Log, 'shop', held, new AbortController().signal);
  return asked;
}

test('what was captured so far stands in the claim of the last checkpoint that counts, not in that of a refused start', async () => {
  const covered = { lists: LISTS, tables: [7] };
  expect(await comparedWith({ lists: {}, tables: [] }, covered, { lists: {}, tables: [7, 8] })).toEqual(covered);
});

test('a claim of a Rowcast that did not store what it captures covers everything', async () => {
  expect(await comparedWith({ lists: {} }, undefined, { lists: {} })).toBeUndefined();
});
