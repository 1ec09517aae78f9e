import type { Log } from '../log/log.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { Source } from '../source/source.ts';

/** What may happen to rows. A source need not see all of it, but what it claims must arrive in the replica. */
export type Operation = 'insert' | 'update' | 'delete' | 'key change' | 'truncate';

/** What a source says of itself; the suite holds it to that. */
export interface SourceClaims {
  readonly operations: readonly Operation[];
  /**
   * `changes`: each change of a row comes by itself, once, as what it was; `states`: a row comes as it is when the source looks, so that of several
   * changes the last one is seen.
   */
  readonly tells: 'changes' | 'states';
  /** It captures tables that have no key. */
  readonly keyless: boolean;
  /** It sends rows again that have not changed, whenever anybody has written to the server. */
  readonly repeats: boolean;
  /** At which size in bytes the sources of this kit cut a batch; the suite is fastest with some 64 KB. */
  readonly maxBatchBytes: number;
}

/** Where a source is to run, and as what. */
export interface SourcePlace {
  /** Goes through a proxy of the suite, which it cuts where it kills the source: connect to nothing else. */
  readonly connection: ConnectionSettings;
  /** Name of the connector: lower-case letters, digits and underscores. Whatever the source leaves on the server is to be named after it. */
  readonly connector: string;
  readonly warn: (message: string, advice?: string) => void;
}

/** A session in the database of the source, as a superuser; pg's Client is one. */
export interface SqlSession {
  query<Row extends Record<string, unknown>>(sql: string): Promise<{ readonly rows: readonly Row[] }>;
}

/** A source as the suite sees it. */
export interface SourceKit {
  readonly name: string;
  readonly claims: SourceClaims;
  /** Makes the source anew, as a process that has just started: nothing may be left in memory from an earlier one. */
  create(place: SourcePlace): Source;
  /** Takes away everything that the stopped source has left in its database. */
  uninstall(connection: ConnectionSettings, connector: string): Promise<void>;
  /**
   * Notes what has been written by now, and returns a function that says whether the server keeps anything of it for the source. Absent: nothing
   * is kept for it ever.
   */
  keeps?(session: SqlSession, connector: string): Promise<() => Promise<boolean>>;
}

/** What the suite runs on. */
export interface ConformancePlace {
  /** Servers, as superusers: the suite makes databases on them, and drops them. The first one has what sources need (`wal_level = logical`). */
  readonly source: ConnectionSettings;
  readonly replica: ConnectionSettings;
  /** Opens a log; the suite disposes of it. Topics have names of their own. */
  openLog(): Promise<Log>;
  /** `long`: every await point is a place to die at, and more data. */
  readonly effort: 'short' | 'long';
  /** After how long something is waited for in vain (60,000 ms). */
  readonly patienceMs?: number;
}

/** One property of all sources. */
export interface ConformanceCheck {
  readonly property: string;
  /** What it means, as a sentence. */
  readonly promise: string;
  /** Throws what is wrong. Returns what was seen, for people. */
  run(kit: SourceKit, place: ConformancePlace): Promise<string>;
}

/** What the suite found: the source does not keep its contract. */
export class ConformanceError extends Error {}
