/** One thing that a round does, in order. */
export type Step =
  /** Runs on a session of the source. A statement that Postgres refuses counts for nothing; `guarded` keeps its transaction alive then. */
  | { readonly kind: 'sql'; readonly session: number; readonly sql: string; readonly guarded: boolean }
  /** COPY FROM STDIN with these lines. */
  | { readonly kind: 'copy'; readonly session: number; readonly sql: string; readonly data: string }
  | { readonly kind: 'stop' | 'start' | 'restart'; readonly task: 'source' | 'sink' }
  /** Waits until the replica shows what was committed. */
  | { readonly kind: 'settle' };

/** How the two sides of a round are set up. */
export interface Setting {
  /** `created` by the sink, or `same`: with every key, constraint and foreign key of the source. */
  readonly target: 'created' | 'same';
  /** False: the sink's role may not set session_replication_role, so foreign keys and triggers of the target hold. */
  readonly isPrivileged: boolean;
  /** `leaves`: made by hand, for all tables, partitions by their own names. */
  readonly publication: 'filtered' | 'all_tables' | 'leaves';
  /** DDL replication is set up, and the whole database is made while the stream runs. */
  readonly ddl: boolean;
  /** The replica begins while the sessions write already. */
  readonly isLate: boolean;
  readonly snapshotThreads: number;
  readonly snapshotChunkBytes: number;
  readonly partitions: number;
  readonly maxBatchBytes: number;
}

/** A whole round: enough to run it again anywhere. */
export interface Scenario {
  readonly setting: Setting;
  /** Types and extensions, on both sides. */
  readonly types: readonly string[];
  /** Tables, on the source; on the target too when it is to be the same. */
  readonly tables: readonly string[];
  /** What is there before the first copy, and then everything else. */
  readonly rows: readonly Step[];
  readonly steps: readonly Step[];
}
