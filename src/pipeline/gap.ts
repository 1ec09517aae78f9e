import type { Position } from '../change/position.ts';
import { PositionLostError, TransientError } from '../errors.ts';
import type { Claim } from '../log/protocol/records.ts';
import type { HeldSource } from '../source/source.ts';
import type { History } from './ledger.ts';

const ANEW =
  'Or copy everything again: `rowcast offsets reset` with the name of the connector, or a new topic.prefix and slot.name.';
const ACCEPT =
  '`rowcast offsets accept` with the name of the connector goes on all the same, and says what may be missing. ';

/** What is asked of a source to prove it; one that is only looked at will do. */
export type LookedAtSource = Pick<HeldSource, 'identity' | 'slot' | 'confirmed' | 'exists' | 'descendsFrom'>;

/**
 * Proves that the source goes on exactly where the log ends (Invariant 6), or that an operator has accepted that it does not. Throws
 * PositionLostError. `history` has a last checkpoint, which is consistent.
 */
export async function proveNoGap(
  history: History,
  held: LookedAtSource,
  prefix: string,
  signal: AbortSignal,
): Promise<void> {
  const position = history.checkpoint?.position as Position;
  if (isAccepted(history, held)) return;
  const owner = ownerOf(history);
  if (owner !== undefined && !(await held.descendsFrom(owner, position, signal))) {
    throw new PositionLostError(
      `The server is not the one that ${prefix} was read from, or its history branched before ${position}`,
      { advice: `Is it the right server? After a failover or an upgrade: ${ACCEPT}${ANEW}` },
    );
  }
  if (held.confirmed === undefined) {
    // Looked up again: another process may have made it since this one looked (V2).
    if (await held.exists(signal)) throw new TransientError(`Slot ${held.slot} appeared while the log was read`);
    throw new PositionLostError(`Slot ${held.slot} is missing: changes since ${position} may be gone from the WAL`, {
      advice: `Was it dropped, or did a failover leave it behind? ${ACCEPT}${ANEW}`,
    });
  }
  if (held.confirmed > position) {
    throw new PositionLostError(
      `Slot ${held.slot} stands at ${held.confirmed}, beyond the last checkpoint at ${position}: a gap`,
      { advice: `Somebody else has advanced the slot, or made it anew. ${ACCEPT}${ANEW}` },
    );
  }
}

/** The claim of the last checkpoint that counts. */
export function ownerOf({ claims, checkpoint }: History): Claim | undefined {
  return claims.find(({ offset }) => offset === checkpoint?.claim)?.claim;
}

/**
 * True when an operator has accepted this very server and slot for the last checkpoint. The slot may stand lower than it did
 * (a crash of the server takes it back), but not where another history's transactions would be taken for known ones.
 */
export function isAccepted(
  { acceptances, checkpoint }: History,
  { identity, slot, confirmed }: Pick<HeldSource, 'identity' | 'slot' | 'confirmed'>,
): boolean {
  if (checkpoint === undefined || confirmed === undefined) return false;
  const { position } = checkpoint;
  return acceptances.some((each) => {
    const isSame =
      each.system === identity.system &&
      each.timeline === identity.timeline &&
      each.publication === identity.publication &&
      each.slot === slot;
    const limit = each.confirmed > position ? each.confirmed : position;
    return isSame && confirmed <= limit && (confirmed >= position || each.confirmed < position);
  });
}

/** Says that positions would fall, which no reader of the log can follow. */
export function fallsBack(prefix: string, position: Position, end: Position): PositionLostError {
  return new PositionLostError(`The server's WAL stands at ${end}, below ${position} which ${prefix} has reached`, {
    advice:
      'It was restored or set up anew, and its positions cannot be told from the old ones. Begin again under a new topic.prefix ' +
      'and slot.name, with an empty target; `rowcast delete` removes what the old one leaves behind.',
  });
}
