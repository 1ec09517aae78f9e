import type { Position } from '../change/position.ts';
import { OperatorError, TransientError } from '../errors.ts';
import type { Acceptance } from '../log/protocol/records.ts';
import { checkpointsTopic } from '../log/protocol/topics.ts';
import type { HeldSource } from '../source/source.ts';
import { fallsBack, isAccepted, ownerOf } from './gap.ts';
import { type History, ledgerAppends, readHistory } from './ledger.ts';
import type { OperatorTools } from './reset.ts';

export interface AcceptOptions extends OperatorTools {
  /** The slot is made (anew) at the present end of WAL where it is missing or cannot serve; what lies before is given up. */
  readonly fromNow: boolean;
  /** The end of the source's WAL at this moment. */
  readonly end: (signal: AbortSignal) => Promise<Position>;
}

/** In what a source differs from the one that the log was read from. */
export interface Differences {
  /** Another system identifier. */
  readonly system: boolean;
  /** The same system, but a timeline that branched off before the last position. */
  readonly branch: boolean;
  readonly publication: boolean;
  /** `fits`: at or below the last position. */
  readonly slot: 'fits' | 'missing' | 'ahead';
}

/** What was accepted: the next start goes on at `resumes`, where the log has reached `position`. */
export interface Accepted {
  readonly differences: Differences;
  readonly position: Position;
  readonly resumes: Position;
  /** The slot was made by this. */
  readonly created: boolean;
}

/**
 * Writes an operator's word into the log that the source, as it is now, goes on where the log ends although it cannot be proved (Invariant 6).
 * A text says why there is nothing to accept. Throws OperatorError where positions would fall, or the slot would have to be made
 * and `fromNow` does not say so. The source is held, so that nobody moves it meanwhile.
 */
export async function acceptSource(
  options: AcceptOptions,
  held: HeldSource,
  signal: AbortSignal,
): Promise<Accepted | string> {
  const { log, prefix, fromNow } = options;
  const topic = checkpointsTopic(prefix);
  const { end } = await log.bounds(topic, 0, signal);
  const history = await readHistory(log, prefix, end, signal);
  const { checkpoint } = history;
  if (checkpoint === undefined) return 'nothing was stored yet, so everything is copied at the next start';
  if (!checkpoint.consistent) return 'the first copy is not finished, so it begins again at the next start';
  if (isAccepted(history, held)) return 'this server and slot are accepted already, for the next start';
  const differences = await compare(history, held, signal);
  const { system, branch, publication, slot } = differences;
  const isOther = system || branch;
  const { position } = checkpoint;
  if (!isOther && !publication && slot === 'fits') return 'the source goes on exactly where the log ends';
  const walEnd = await options.end(signal);
  if (walEnd < position) throw fallsBack(prefix, position, walEnd);
  const isMade = slot === 'missing' || (isOther && (held.confirmed as Position) < position);
  if (isMade && !fromNow) throw needsSlot(held, position, walEnd);
  const created = fromNow && (isMade || publication);
  const resumes = created ? await held.create(signal) : (held.confirmed as Position);
  await append(options, history, held, resumes, signal);
  return { differences, position, resumes, created };
}

async function compare(history: History, held: HeldSource, signal: AbortSignal): Promise<Differences> {
  const position = history.checkpoint?.position as Position;
  const owner = ownerOf(history);
  const { identity } = held;
  const system = owner !== undefined && owner.system !== identity.system;
  // The publication is compared on its own: the source refuses another one outright.
  const known = owner && { ...owner, publication: identity.publication };
  const branch = !system && known !== undefined && !(await held.descendsFrom(known, position, signal));
  const publication = owner !== undefined && owner.publication !== identity.publication;
  const { confirmed } = held;
  const slot = confirmed === undefined ? 'missing' : confirmed > position ? 'ahead' : 'fits';
  return { system, branch, publication, slot };
}

/** Stored as of the checkpoint that was looked at; one that was stored meanwhile makes it void, and is told of. */
async function append(
  { log, prefix, random, clock }: AcceptOptions,
  { checkpoint, logId }: History,
  { identity, slot }: HeldSource,
  confirmed: Position,
  signal: AbortSignal,
): Promise<void> {
  const acceptance: Acceptance = {
    kind: 'acceptance',
    logId: logId as string,
    nonce: random(),
    checkpoint: checkpoint?.offset as number,
    slot,
    confirmed,
    ...identity,
    at: clock.now(),
  };
  const now = (): number => clock.now();
  const { spans } = await log.publish(ledgerAppends(prefix, acceptance, now), undefined, signal);
  const after = await readHistory(log, prefix, (spans[0]?.base ?? 0) + 1, signal);
  if (after.acceptances.some(({ nonce }) => nonce === acceptance.nonce)) return;
  throw new TransientError(`The log of ${prefix} went on while the source was looked at`, {
    advice: 'Another daemon writes to it. Stop that one, and accept again.',
  });
}

function needsSlot({ slot, confirmed }: HeldSource, position: Position, end: Position): OperatorError {
  const state =
    confirmed === undefined
      ? 'does not exist on this server'
      : `stands at ${confirmed}, below ${position} of another history`;
  return new OperatorError(`Slot ${slot} ${state}: it has to be made at the end of WAL, which is at ${end}`, {
    advice:
      `What was committed after ${position} and before that moment would be missing. If that is acceptable, add --from-now; ` +
      'if not, copy everything again: `rowcast offsets reset` with the name of the connector.',
  });
}
