import type { Log } from '../log/log.ts';
import type { HeldSource } from '../source/source.ts';
import { ownerOf } from './gap.ts';
import type { History } from './ledger.ts';
import { loadTableVersions } from './table-versions.ts';

/**
 * Proves that what the source captures now was captured so far (S2). What was captured so far stands in the claim of the last checkpoint that
 * counts, and nowhere else: under a claim whose start was refused none ever does, so its wider lists cover nothing. Throws OperatorError.
 * A claim that does not say was made with the present lists.
 */
export async function proveCovered(
  history: History,
  log: Log,
  prefix: string,
  held: Pick<HeldSource, 'identity' | 'capture' | 'assertCovered'>,
  signal: AbortSignal,
): Promise<void> {
  const owner = ownerOf(history);
  if (owner?.capture === undefined) return;
  const { lists, tables } = owner.capture;
  const isSame = JSON.stringify(lists) === JSON.stringify(held.capture.lists);
  const announced = isSame ? [] : (await loadTableVersions(log, prefix, signal)).announced(Number.POSITIVE_INFINITY);
  // On another server the same tables have other ids.
  const isSameServer = owner.system === held.identity.system;
  await held.assertCovered(isSameServer && tables !== undefined ? { lists, tables } : { lists }, announced, signal);
}
