import type { Position } from '../change/position.ts';
import { PositionLostError, TransientError } from '../errors.ts';
import type { Claim } from '../log/protocol/records.ts';
import { checkpointsTopic } from '../log/protocol/topics.ts';
import { ownerOf } from './gap.ts';
import { type History, ledgerAppends, readHistory } from './ledger.ts';
import type { OwnershipOptions } from './ownership.ts';
import { voidLast } from './void-checkpoint.ts';

/** What an operator's change of the checkpoints topic needs. */
export type OperatorTools = Pick<OwnershipOptions, 'log' | 'clock' | 'random' | 'prefix'>;

/** What a reset found: nothing was ever copied, the next start copies anyway, or the position that is void now. */
export type ResetOutcome =
  | { readonly kind: 'empty' }
  | { readonly kind: 'copying'; readonly position: Position }
  | { readonly kind: 'reset'; readonly position: Position };

/**
 * Makes the position of a source void, so that its next start copies everything again into the same topics: a claim in the name of the
 * present owner, and under it a checkpoint at the same position which says that nothing is consistent. To whoever reads, the source is
 * then in its first copy, which an owner always begins again. A source that runs meanwhile is fenced by the claim and begins the copy.
 * TransientError when somebody else claims at the same moment.
 */
export async function resetSource(tools: OperatorTools, slot: string, signal: AbortSignal): Promise<ResetOutcome> {
  const { log, prefix, random, clock } = tools;
  const topic = checkpointsTopic(prefix);
  if (!(await log.topics([topic], signal)).has(topic)) return { kind: 'empty' };
  const { end } = await log.bounds(topic, 0, signal);
  const before = await readHistory(log, prefix, end, signal);
  const settled = settledOutcome(before);
  if (settled !== undefined) return settled;
  const owner = ownerOf(before);
  if (owner === undefined) throw ownerless(prefix);
  const now = (): number => clock.now();
  // The owner's own incarnation: it is neither refused for a newer one of itself nor for another daemon (V3, V7).
  const claim: Claim = { ...owner, nonce: random(), at: now(), slot, creating: true };
  const { spans } = await log.publish(ledgerAppends(prefix, claim, now), undefined, signal);
  const offset = spans[0]?.base;
  if (offset === undefined) throw new TransientError('The claim was stored without an offset');
  const history = await readHistory(log, prefix, offset, signal);
  if (ownerOf(history)?.daemon !== owner.daemon) {
    // Its name would take the log away from the daemon that has taken over meanwhile (V7).
    throw new TransientError(`Another daemon took ${prefix} over while it was reset`, { advice: 'Reset it again.' });
  }
  const { checkpoint: last } = history;
  if (last === undefined || !last.consistent) return settledOutcome(history) as ResetOutcome;
  await voidLast(tools, { offset, logId: owner.logId }, last, signal);
  return { kind: 'reset', position: last.position };
}

/** There is nothing to make void. */
function settledOutcome({ checkpoint }: History): ResetOutcome | undefined {
  if (checkpoint === undefined) return { kind: 'empty' };
  return checkpoint.consistent ? undefined : { kind: 'copying', position: checkpoint.position };
}

function ownerless(prefix: string): PositionLostError {
  return new PositionLostError(
    `Topic ${checkpointsTopic(prefix)} lost history: the claim of its last checkpoint is gone`,
    {
      advice: 'It was trimmed or changed by hand. Begin again under a new topic.prefix and slot.name.',
    },
  );
}
