import type { CopyRequests } from '../change/copy-request.ts';
import type { CopyState } from '../change/copy-state.ts';
import type { Position } from '../change/position.ts';
import type { Clock } from '../clock.ts';
import { OperatorError, RefusedError, TransientError } from '../errors.ts';
import { failPoint } from '../failpoint.ts';
import type { Log } from '../log/log.ts';
import type { Claim, Previous } from '../log/protocol/records.ts';
import { checkpointsTopic } from '../log/protocol/topics.ts';
import { type HeldSource, type Incarnation, isNewer } from '../source/source.ts';
import { proveCovered } from './capture.ts';
import { ownerOf, proveNoGap } from './gap.ts';
import { type History, ledgerAppends, readHistory, tailLost } from './ledger.ts';
import { voidLast } from './void-checkpoint.ts';

/** What a process remembers of its own runs of one source connector; a fresh process starts with `{ takeOver }`. */
export interface SourceMemory {
  incarnation: Incarnation | undefined;
  /** The last position whose checkpoint this process saw stored. */
  stored: Position | undefined;
  /** An operator asked this process to take the log over from another daemon; holds for one claim (V4). */
  takeOver: boolean;
  /** This start is to copy everything again (`always`), and has not begun to. */
  copyAgain?: boolean | undefined;
  /** The copy that the log has is of no use (R2); holds for one start. */
  voidCopy?: boolean | undefined;
  /** Where the log has ended, and since when, while a newer process of the same daemon does nothing. */
  quiet?: { readonly end: number; readonly since: number } | undefined;
}

/** A newer process that runs checkpoints every 10 s even when idle: after this long without a record it is gone. */
const QUIET_MS = 30_000;

/** When a source whose copy is finished copies everything again by itself: at each start of its connector, or where it would stop for a gap. */
export type Recopy = 'never' | 'when lost' | 'always';

/** The log as its new owner found it. */
export interface Owned {
  readonly logId: string;
  /** Offset of the claim: the epoch. */
  readonly claim: number;
  readonly nextNumber: number;
  readonly previous: Previous | null;
  readonly consistent: boolean;
  /** Where to read on; undefined when the source is to be created (again) and copied from the start. */
  readonly position: Position | undefined;
  /** How far the first copy came, when it was not finished and can be gone on with. */
  readonly copy?: CopyState | undefined;
  /** Copies while streaming that the last checkpoint names. */
  readonly requests?: CopyRequests | undefined;
  /** Where the topic of signals is read on. */
  readonly signals?: number | undefined;
}

/** What claiming, and writing under the claim, needs. */
export interface OwnershipOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => string;
  readonly prefix: string;
  readonly memory: SourceMemory;
  /** `never` when absent. */
  readonly recopy?: Recopy | undefined;
  /** Hears why everything is copied again. */
  readonly onCopyAgain?: ((reason: string) => void) | undefined;
}

/**
 * Claims the log for a source that is held, and finds where to go on (PROTOCOL, source 1): look, refuse or claim, read back as
 * of the own claim, prove that there is no gap (Invariant 6), and none in what is captured (S2).
 * Throws RefusedError while another owner stands, OperatorError when the history does not fit the source.
 */
export async function takeOwnership(options: OwnershipOptions, held: HeldSource, signal: AbortSignal): Promise<Owned> {
  const { log, prefix, memory } = options;
  const topic = checkpointsTopic(prefix);
  const { end } = await log.bounds(topic, 0, signal);
  const before = await readHistory(log, prefix, end, signal);
  const { takeOver } = memory;
  renewIfQuiet(before, end, options);
  refuseOthers(before, memory.incarnation as Incarnation, takeOver, prefix);
  refuseUnclaimedSlot(before, held, prefix);
  const mayCopyAgain = (options.recopy ?? 'never') !== 'never';
  const creating = before.checkpoint === undefined || !before.checkpoint.consistent || mayCopyAgain;
  const claim = await appendClaim(options, held, before.logId, creating, signal);
  failPoint('source.claimed');
  memory.takeOver = false;
  const history = await readHistory(log, prefix, claim.offset, signal);
  if (history.logId !== undefined && history.logId !== claim.logId) {
    // Two processes wrote the first claim at once: the other one's id stands, and a claim with another id counts for nobody.
    throw new TransientError(`Another process began the log of ${prefix} first`);
  }
  refuseOthers(history, memory.incarnation as Incarnation, takeOver, prefix);
  if (!creating && history.checkpoint?.consistent !== true) {
    // A copy under a claim that does not say so would leave a slot that the next start takes for somebody else's.
    throw new TransientError(`The source of ${prefix} was reset just now`);
  }
  const owned = await resume(history, claim, options, held, signal);
  memory.copyAgain = false; // this start has begun to copy, or goes on with a copy that is not finished
  return owned;
}

/**
 * A newer process of this daemon may have died for good, and nobody would be left. When it does not hold the source (we do) and
 * has stored nothing for a while, this process becomes the newest one at its next start; if the other lives, it is refused then.
 */
function renewIfQuiet({ claims }: History, end: number, { memory, clock, prefix, random }: OwnershipOptions): void {
  const self = memory.incarnation as Incarnation;
  if (!claims.some(({ claim }) => isNewer(incarnationOf(claim), self))) {
    memory.quiet = undefined;
    return;
  }
  if (memory.quiet?.end !== end) memory.quiet = { end, since: clock.monotonic() };
  if (clock.monotonic() - memory.quiet.since < QUIET_MS) return;
  memory.quiet = undefined;
  // A log that lost its end may be shorter than it was when that process booted.
  const offset = Math.max(end, ...claims.map(({ claim }) => claim.booted + 1));
  memory.incarnation = { daemon: self.daemon, offset, id: random() };
  throw new TransientError(`The newer process of daemon ${self.daemon} that owned ${prefix} is gone`);
}

/**
 * Throws RefusedError for whoever is not the owner, judged by who owns the last checkpoint that counts, not by who claimed last (V7), and by
 * incarnation (V3).
 */
export function refuseOthers(
  { claims, checkpoint }: History,
  self: Incarnation,
  takeOver: boolean,
  prefix: string,
): void {
  const newer = claims.find(({ claim }) => isNewer(incarnationOf(claim), self));
  if (newer !== undefined) {
    throw new RefusedError(`A newer process of daemon ${self.daemon} owns ${prefix}`, {
      advice: 'Stop one of the two processes.',
    });
  }
  const owner = claims.findLast(({ offset }) => checkpoint === undefined || offset === checkpoint.claim);
  if (owner !== undefined && owner.claim.daemon !== self.daemon && !takeOver) {
    throw new RefusedError(`Daemon ${owner.claim.daemon} owns ${prefix}`, {
      advice: `If that daemon is gone for good, start this one with --take-over.`,
    });
  }
}

/**
 * A slot that no claim was going to create was made by somebody else: what it skipped is unknown, and it is not ours to drop. Throws
 * OperatorError.
 */
export function refuseUnclaimedSlot(
  { claims, checkpoint }: Pick<History, 'claims' | 'checkpoint'>,
  held: Pick<HeldSource, 'slot' | 'confirmed' | 'dropAdvice'>,
  prefix: string,
): void {
  if (held.confirmed === undefined || checkpoint?.consistent === true) return;
  if (claims.some(({ claim }) => claim.creating && claim.slot === held.slot)) return;
  throw new OperatorError(`Slot ${held.slot} exists, but the log of ${prefix} knows nothing of it`, {
    advice:
      held.dropAdvice ?? `Drop the slot (select pg_drop_replication_slot('${held.slot}')) or set another slot.name.`,
  });
}

async function appendClaim(
  { log, clock, random, prefix, memory }: OwnershipOptions,
  held: HeldSource,
  logId: string | undefined,
  creating: boolean,
  signal: AbortSignal,
): Promise<{ offset: number; logId: string }> {
  const { daemon, offset: booted, id } = memory.incarnation as Incarnation;
  const claim: Claim = {
    kind: 'claim',
    logId: logId ?? random(),
    nonce: random(),
    daemon,
    booted,
    id,
    at: clock.now(),
    slot: held.slot,
    creating,
    ...held.identity,
    clusterId: log.clusterId,
    capture: held.capture,
  };
  const { spans } = await log.publish(
    ledgerAppends(prefix, claim, () => clock.now()),
    undefined,
    signal,
  );
  const [span] = spans;
  if (span === undefined) throw new TransientError('The claim was stored without an offset');
  return { offset: span.base, logId: claim.logId };
}

async function resume(
  history: History,
  claim: { offset: number; logId: string },
  options: OwnershipOptions,
  held: HeldSource,
  signal: AbortSignal,
): Promise<Owned> {
  const { log, memory, prefix } = options;
  const { checkpoint } = history;
  const owned = { logId: history.logId ?? claim.logId, claim: claim.offset };
  if (memory.stored !== undefined && (checkpoint === undefined || checkpoint.position < memory.stored)) {
    throw tailLost(prefix, `its last checkpoint is at ${checkpoint?.position}, position ${memory.stored} was stored`);
  }
  if (checkpoint === undefined) {
    return { ...owned, nextNumber: 0, previous: null, consistent: false, position: undefined };
  }
  const next = {
    ...owned,
    nextNumber: checkpoint.number + 1,
    previous: { offset: checkpoint.offset, claim: checkpoint.claim, position: checkpoint.position },
    consistent: checkpoint.consistent,
    requests: checkpoint.requests,
    signals: checkpoint.signals,
  };
  if (!checkpoint.consistent) {
    // The rest is read under a newer snapshot, and the stream begins where it would have: so nothing of it may be missing (R1).
    const isVoid = memory.voidCopy === true;
    memory.voidCopy = undefined;
    const goesOn = checkpoint.copy !== undefined && !isVoid && (await canGoOn(history, held, prefix, signal));
    return goesOn
      ? { ...next, position: checkpoint.position, copy: checkpoint.copy }
      : { ...next, position: undefined };
  }
  const reason = await reasonToCopyAgain(history, options, held, signal);
  if (reason !== undefined) {
    options.onCopyAgain?.(reason);
    // Before anything is done to the slot: from here on nobody takes a missing one for a gap (O4).
    const voided = await voidLast(options, { ...claim, logId: owned.logId }, checkpoint, signal);
    return { ...next, ...voided, requests: undefined, consistent: false, position: undefined };
  }
  await proveCovered(history, log, prefix, held, signal);
  return { ...next, position: checkpoint.position };
}

/** Proves that there is no gap, unless everything is to be copied again, which closes any; says why. */
async function reasonToCopyAgain(
  history: History,
  { prefix, memory, recopy }: OwnershipOptions,
  held: HeldSource,
  signal: AbortSignal,
): Promise<string | undefined> {
  // Another server is no lost history: it may be the wrong one, and its rows would take the place of the right ones.
  const isSameServer = ownerOf(history)?.system === held.identity.system;
  const maySkip = isSameServer && (recopy ?? 'never') !== 'never';
  try {
    if (!maySkip || memory.copyAgain !== true) await proveNoGap(history, held, prefix, signal);
  } catch (error) {
    if (maySkip && error instanceof OperatorError) return error.message;
    throw error;
  }
  return memory.copyAgain === true ? 'the connector was started' : undefined;
}

/**
 * Nothing consistent was promised yet: a copy that cannot be gone on with is no operator's matter. With other lists it begins anew, so that what
 * they take in is copied.
 */
async function canGoOn(history: History, held: HeldSource, prefix: string, signal: AbortSignal): Promise<boolean> {
  const lists = ownerOf(history)?.capture?.lists;
  if (lists !== undefined && JSON.stringify(lists) !== JSON.stringify(held.capture.lists)) return false;
  try {
    await proveNoGap(history, held, prefix, signal);
    return true;
  } catch (error) {
    if (error instanceof OperatorError) return false;
    throw error;
  }
}

function incarnationOf({ daemon, booted, id }: Claim): Incarnation {
  return { daemon, offset: booted, id };
}
