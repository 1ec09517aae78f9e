import { OperatorError, TransientError } from '../../errors.ts';
import { coveredBy } from '../../pipeline/capture.ts';
import { ownerOf, proveNoGap } from '../../pipeline/gap.ts';
import type { History } from '../../pipeline/ledger.ts';
import { refuseUnclaimedSlot } from '../../pipeline/ownership.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { isLsnPosition } from '../../postgres/lsn.ts';
import type { LookedAtWalSource } from '../../source/wal/look.ts';

/** Why a source would not start, and the command or SQL that mends it. */
export interface Obstacle {
  readonly message: string;
  readonly fix: string;
}

const NO_HISTORY = { claims: [], checkpoint: undefined } as const;

/**
 * What the next start of a source would stop at, judged as it judges (takeOwnership), without taking hold of anything; undefined when nothing
 * stands in its way. What passes by itself is no obstacle. `history` is undefined when the log has none.
 */
export async function findObstacle(
  name: string,
  history: History | undefined,
  source: LookedAtWalSource,
  prefix: string,
  signal: AbortSignal,
): Promise<Obstacle | undefined> {
  const { checkpoint } = history ?? NO_HISTORY;
  // Whoever reads it now is refused or ended first; that is another matter, and it must not be dropped under a running daemon.
  const isRead = source.report?.activePid !== undefined;
  const unclaimed = isRead
    ? undefined
    : await refusal(() => refuseUnclaimedSlot(history ?? NO_HISTORY, source, prefix));
  if (unclaimed !== undefined) {
    return {
      message: `${unclaimed}.`,
      fix: /* sql */ `select pg_drop_replication_slot(${quoteLiteral(source.slot)}); -- or another slot.name`,
    };
  }
  if (history === undefined || checkpoint?.consistent !== true) return undefined; // begins with a copy, whatever is there
  const gap = await refusal(() => proveNoGap(history, source, prefix, signal));
  if (gap === undefined) return await widening(name, history, source, signal);
  if (source.outlivesLoss && ownerOf(history)?.system === source.identity.system) return undefined; // copies everything again
  if (!isLsnPosition(checkpoint.position)) {
    return {
      message: `${gap}.`,
      fix: `rowcast offsets reset ${name} --yes # copies everything again; or set connector.class back to what it was`,
    };
  }
  return {
    message: `${gap}.`,
    fix: `rowcast offsets accept ${name} # says what may be missing; or copy everything again: rowcast offsets reset ${name}`,
  };
}

/** Lists that take in what was never captured. What the log knows of tables without rows is not looked at here. */
async function widening(
  name: string,
  history: History,
  source: LookedAtWalSource,
  signal: AbortSignal,
): Promise<Obstacle | undefined> {
  const covered = coveredBy(history, source);
  const wider = covered && (await refusal(() => source.assertCovered(covered, [], signal)));
  if (wider === undefined) return undefined;
  return { message: `${wider}.`, fix: `rowcast offsets reset ${name} # or correct the lists` };
}

/** What an OperatorError says. */
async function refusal(judge: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await judge();
    return undefined;
  } catch (error) {
    if (error instanceof OperatorError) return error.message;
    if (error instanceof TransientError) return undefined;
    throw error;
  }
}
