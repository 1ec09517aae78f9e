import type { Clock } from '../clock.ts';
import { TransientError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { CountingCheckpoint } from '../log/protocol/counter.ts';
import type { Checkpoint, Previous } from '../log/protocol/records.ts';
import { confirmOwnership, ledgerAppends } from './ledger.ts';

/** What writing into a log of checkpoints needs. */
interface Tools {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => string;
  readonly prefix: string;
}

/** A claim that stands in the log, under which a position is made void. */
export interface StandingClaim {
  readonly offset: number;
  readonly logId: string;
}

/**
 * Stores behind a claim a checkpoint at the position of the last one that says that nothing is consistent: to whoever reads, the source is then
 * in its first copy (PROTOCOL, operator 2). Returns what the next checkpoint follows. TransientError when a newer claim stands before it.
 */
export async function voidLast(
  { log, clock, random, prefix }: Tools,
  claim: StandingClaim,
  last: CountingCheckpoint,
  signal: AbortSignal,
): Promise<{ readonly previous: Previous; readonly nextNumber: number }> {
  const number = last.number + 1;
  const checkpoint: Omit<Checkpoint, 'part' | 'last' | 'records'> = {
    kind: 'checkpoint',
    logId: claim.logId,
    nonce: random(),
    claim: claim.offset,
    number,
    previous: { offset: last.offset, claim: last.claim, position: last.position },
    position: last.position,
    spans: [],
    topicIds: {},
    committedAt: 0,
    consistent: false,
    ...(last.signals !== undefined && { signals: last.signals }),
  };
  const appends = ledgerAppends(prefix, checkpoint, () => clock.now());
  const { spans } = await log.publish(appends, undefined, signal);
  if (spans.length === 0) throw new TransientError('The checkpoint was stored without an offset');
  const offset = await confirmOwnership(log, prefix, claim.offset, spans, signal);
  return { previous: { offset, claim: claim.offset, position: last.position }, nextNumber: number + 1 };
}
