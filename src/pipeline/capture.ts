import { partialTables } from '../change/copy-request.ts';
import type { Log } from '../log/log.ts';
import type { Capture, HeldSource } from '../source/source.ts';
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
  const covered = coveredBy(history, held);
  if (covered === undefined) return;
  const isSame = JSON.stringify(covered.lists) === JSON.stringify(held.capture.lists);
  const announced = isSame ? [] : (await loadTableVersions(log, prefix, 0, signal)).announced(Number.POSITIVE_INFINITY);
  await held.assertCovered(covered, announced, signal);
}

/** What was captured so far; undefined where the log does not say. */
export function coveredBy(history: History, { identity }: Pick<HeldSource, 'identity'>): Capture | undefined {
  const owner = ownerOf(history);
  if (owner?.capture === undefined) return undefined;
  const { lists, tables } = owner.capture;
  // On another server the same tables have other ids.
  const isSameServer = owner.system === identity.system;
  if (!isSameServer || tables === undefined) return { lists };
  // Taken in under that claim, and copied since, or being copied.
  const { requests } = history.checkpoint ?? {};
  const begun = requests === undefined ? [] : [...partialTables(requests), ...(requests.covered ?? [])];
  return { lists, tables: [...new Set([...tables, ...begun])] };
}
