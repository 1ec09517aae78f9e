import { sourceConnection } from '../../connector/connection-of.ts';
import type { Logger } from '../../observe/logger.ts';
import { endStatementsWith } from '../../postgres/bounded-client.ts';
import { connect } from '../../postgres/connect.ts';
import { dropSlot } from '../../source/wal/slot.ts';
import { inBytes } from '../../source/wal/watch/slot-words.ts';
import type { ConnectorSet } from '../connectors/connector-set.ts';
import type { DroppedSlots } from './dropped-slots.ts';
import type { WatchedConnector } from './slot-watch-options.ts';
import type { WatchedSlot } from './watched-slot.ts';

/** What dropping a slot needs of the daemon. */
export interface DropParts {
  readonly set: Pick<ConnectorSet, 'whileStopped'>;
  readonly dropped: Pick<DroppedSlots, 'add' | 'forget'>;
  readonly logger: Pick<Logger, 'error'>;
}

/**
 * Drops the slot of a connector that keeps more than its budget: its operator has said that the source's disk is worth more than the replica.
 * The connector is stopped for it, and then stands as failed until a person decides, with the word that everything has to be copied again.
 */
export async function dropOverBudget(
  { name, config }: WatchedConnector,
  seen: WatchedSlot,
  { set, dropped, logger }: DropParts,
  signal: AbortSignal,
): Promise<void> {
  const retainedBytes = seen.view?.finding.retainedBytes ?? 0;
  const { slot, slotBudgetBytes } = config;
  const message =
    `Slot "${slot}" was dropped: it kept ${inBytes(retainedBytes)} of WAL, more than slot.budget.bytes (${inBytes(slotBudgetBytes)}), ` +
    'and slot.budget.policy is drop; a new copy is needed';
  const advice =
    `What was changed since is not captured. See why it was behind, and copy everything again: rowcast offsets reset ${name}. ` +
    'It does not run until then, however often it is started.';
  await set.whileStopped(name, async () => {
    // First: what follows may be the last that this process does. A slot that is still there is over its budget at the next looks too.
    await dropped.add({ connector: name, slot, message, advice });
    try {
      await dropIt(config, signal);
    } catch (error) {
      await dropped.forget(name);
      throw error;
    }
    const fields = { connector: name, slot, retainedBytes, slotBudgetBytes, advice };
    logger.error('slot dropped because its budget is used up', fields);
  });
  seen.forget();
}

async function dropIt(config: WatchedConnector['config'], signal: AbortSignal): Promise<void> {
  const client = await connect(sourceConnection(config), 'rowcast slots', {}, signal);
  endStatementsWith(client, signal);
  try {
    await dropSlot(client, config.slot, signal);
  } finally {
    await client.end();
  }
}
