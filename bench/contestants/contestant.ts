import type { Lane } from '../lane.ts';
import type { ContestantName, Measurement, Phase } from '../measurement.ts';
import type { Servers } from '../servers.ts';

/** What all contestants are given. */
export interface Setting {
  readonly servers: Servers;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** What a lane has to move. */
export interface Backlog {
  readonly changes: number;
  readonly records: number;
  /** The source's WAL ends here; in bytes, as Postgres counts them. */
  readonly endLsn: number;
  /** Conditions on the replica: something, and everything has arrived. */
  readonly begun: string;
  readonly whole: string;
  /** That every table has rows, and how many changes make it so; for workloads of several tables. */
  readonly met?: { readonly condition: string; readonly changes: number };
}

/** Something that moves rows, and how it is measured. Disposing of it stops what it keeps running. */
export interface Contestant extends AsyncDisposable {
  readonly name: ContestantName;
  readonly phases: readonly Phase[];
  /** Before there is a backlog: takes hold of a position, and brings the replica to what the source has. Runs nothing afterwards. */
  open(lane: Lane): Promise<void>;
  /** Source to log, log to replica, both at once, or a copy of the table for a lane that was not opened. Throws when the replica is not equal. */
  drain(phase: 'source' | 'sink' | 'end-to-end' | 'snapshot', lane: Lane, backlog: Backlog): Promise<Measurement>;
  /** Starts everything, and calls `work` when the replica follows; `cpu` are the processes that count. */
  follow(lane: Lane, work: (running: Running) => Promise<void>): Promise<void>;
}

/** What runs while a contestant follows its source. */
export interface Running {
  /** By name, for the CPU that they use. */
  readonly pids: ReadonlyMap<string, number | undefined>;
  readonly assertAlive: () => void;
  /** How long it takes until it runs at its speed. */
  readonly warmUpSeconds: number;
  /** When its own process was started, as `performance.now()` has it. */
  readonly startedAt: number;
  /** Its own process, for memory. */
  readonly pid: number | undefined;
}
