import type { Clock } from '../../clock.ts';
import type { ConnectorFile } from '../../connector/load-file.ts';
import type { Logger } from '../../observe/logger.ts';
import type { ConnectorStatus } from '../status.ts';
import type { WatchedSlot } from './watched-slot.ts';

/** A connector whose slot is watched. */
export type WatchedConnector = Extract<ConnectorFile, { readonly kind: 'PostgresWalSource' }>;

/** What the watch of slots is given. */
export interface SlotWatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The connectors that are to run. Their slots are watched also when they do not. */
  readonly wanted: () => Iterable<ConnectorFile>;
  readonly statuses: () => readonly ConnectorStatus[];
  /** Drops the slot of a connector whose budget is used up, and sees to it that the connector says so. */
  readonly drop: (connector: WatchedConnector, seen: WatchedSlot, signal: AbortSignal) => Promise<void>;
}
