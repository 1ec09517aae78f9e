import type pg from 'pg';
import type { Position } from '../../change/position.ts';
import { lsnToPosition } from '../../postgres/lsn.ts';
import type { HeldSource } from '../source.ts';
import { assertFromWal, descends, identifySystem } from './identity.ts';
import { captureOf } from '../capture/capture.ts';
import { compileFilter } from '../capture/filter.ts';
import { publicationId } from './publication.ts';
import { publishedTables } from './published-tables.ts';
import type { WalSourceSettings } from './settings.ts';
import { reportSlot, slotExists, type SlotReport } from './slot.ts';

/** A source as it is now, looked at without taking hold of it. */
export interface LookedAtWalSource
  extends Pick<
    HeldSource,
    'identity' | 'slot' | 'capture' | 'confirmed' | 'exists' | 'descendsFrom' | 'assertCovered'
  > {
  /** Undefined when there is no slot. */
  readonly report: SlotReport | undefined;
  /** See WalSourceSettings. */
  readonly outlivesLoss: boolean;
}

/**
 * Looks who the server is, and where its slot stands; nothing is changed, and nobody is disturbed. Throws TransientError or OperatorError.
 * `client` stays the caller's, and must be open for as long as the answer is asked.
 */
export async function lookAtWalSource(
  client: pg.ClientBase,
  settings: WalSourceSettings,
  application: string,
  signal: AbortSignal,
): Promise<LookedAtWalSource> {
  const { connection, name, slotName, publicationName, snapshotMode } = settings;
  const report = await reportSlot(client, slotName);
  const server = await identifySystem(connection, application, signal);
  const identity = { ...server, publication: await publicationId(client, publicationName) };
  const filter = compileFilter(settings);
  const capture = captureOf(settings, await publishedTables(client, publicationName, filter));
  const at = report?.confirmedLsn;
  // A copy that is all that is wanted needs no slot any more when the log has it (as HeldWalSource).
  let finished: Position | undefined;
  return {
    identity,
    slot: slotName,
    capture,
    report,
    outlivesLoss: settings.outlivesLoss === true,
    get confirmed() {
      return at === undefined ? finished : lsnToPosition(at);
    },
    exists: () => slotExists(client, slotName),
    async descendsFrom(before, position, abort) {
      assertFromWal(position, name);
      if (snapshotMode === 'initial_only' && at === undefined) finished = position;
      if (finished !== undefined) return before.system === identity.system && before.timeline <= identity.timeline;
      const now = { client, connection, application, publicationName, name, identity, signal: abort };
      return await descends(now, before, position);
    },
    assertCovered: async () => {}, // what the lists take in is copied, or told of: neither stops a start
  };
}
