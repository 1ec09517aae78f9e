import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import type { CaptureLists } from '../capture/filter.ts';

/** What the WAL source is told. */
export interface WalSourceSettings extends CaptureLists {
  readonly connection: ConnectionSettings;
  /** The connector's name: one process at a time holds it (advisory lock). */
  readonly name: string;
  readonly slotName: string;
  readonly publicationName: string;
  /**
   * `filtered`: the publication is made to name exactly the captured tables; `all_tables`: it is created for all tables (needs a
   * superuser); `disabled`: it must exist; `no_tables`: it is created empty, tables are added by others.
   */
  readonly publicationAutocreateMode: 'filtered' | 'all_tables' | 'disabled' | 'no_tables';
  /** `initial`: copy, then stream; `initial_only`: copy, then drop the slot and end; `no_data`: stream only. */
  readonly snapshotMode: 'initial' | 'initial_only' | 'no_data';
  /** Everything is copied again where history is lost: an invalidated slot does not stop the source, nor a publication that was dropped. */
  readonly outlivesLoss?: boolean;
  /** Matched against `schema.table`: only these are copied at the first start (`snapshot.include.collection.list`); all when empty or absent. */
  readonly snapshotTables?: readonly string[];
  /** By `schema.table`: SQL conditions of the rows that the first copy takes (`snapshot.select.statement.overrides`). */
  readonly snapshotConditions?: Readonly<Record<string, string>>;
  /** How many connections copy at once (`snapshot.max.threads`). */
  readonly snapshotThreads: number;
  /** Tables above this size are copied in ranges of their key of about this size; what is read again after a kill is one of them per connection. */
  readonly snapshotChunkBytes: number;
  /** Sequences that belong to no captured column, matched against `schema.sequence`; within the schemas that are captured (none). */
  readonly sequenceInclude?: readonly string[];
  /** How often the states of sequences are sent when they have changed; 0: only when somebody asks. */
  readonly sequenceSyncIntervalMs?: number;
  /** At least so many rows of a table that is copied while streaming are read at once (`incremental.snapshot.chunk.size`). */
  readonly incrementalChunkRows?: number;
  /** `schema.table` whose new rows are signals (`signal.data.collection`); joins the publication. */
  readonly signalTable?: string | undefined;
  /** A batch is cut at a transaction's end from half of this on, and anywhere at this many bytes. */
  readonly maxBatchBytes: number;
  /** How often the server hears which position is stored, when nothing else makes it hear. */
  readonly statusIntervalMs: number;
}
