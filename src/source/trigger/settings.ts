import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import type { CaptureLists } from '../capture/filter.ts';

/** What the trigger source is told. */
export interface TriggerSourceSettings extends CaptureLists {
  readonly connection: ConnectionSettings;
  /** The connector's name: one process at a time holds it (advisory lock). */
  readonly name: string;
  /** Names the triggers, and what they write into. */
  readonly triggerName: string;
  /** `filtered`: exactly the captured tables have triggers, made and dropped by the source; `disabled`: somebody else makes them. */
  readonly autocreateMode: 'filtered' | 'disabled';
  /** `initial`: copy, then read events; `no_data`: events only. */
  readonly snapshotMode: 'initial' | 'no_data';
  /** Matched against `schema.table`: only these are copied at the first start; all when empty or absent. */
  readonly snapshotTables?: readonly string[];
  /** By `schema.table`: SQL conditions of the rows that the first copy takes. */
  readonly snapshotConditions?: Readonly<Record<string, string>>;
  /** How many connections copy at once. */
  readonly snapshotThreads: number;
  readonly snapshotChunkBytes: number;
  /** A batch is handed on at this many bytes. */
  readonly maxBatchBytes: number;
  /** How often a sleeping source looks for events that nobody has woken it for. */
  readonly pollIntervalMs: number;
  /** How many days consumed events are kept; 0 or absent: they are deleted. */
  readonly retentionDays?: number;
  /** How often tables and triggers are looked at (10 s). */
  readonly lookIntervalMs?: number;
}
