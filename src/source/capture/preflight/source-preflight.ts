import type { TableSchema } from '../../../change/table-schema.ts';
import type { Finding } from '../../../finding.ts';
import type { SourceType } from './table-facts.ts';

/** What a look at a source found, and what others are compared with. */
export interface SourcePreflight {
  readonly findings: readonly Finding[];
  /** Undefined when the tables could not be looked at. */
  readonly tables: readonly TableSchema[] | undefined;
  readonly types: readonly SourceType[];
  /** The database in this run of its server; undefined when it was not reached. */
  readonly database: string | undefined;
  readonly encoding: string | undefined;
}

/** Of a server that was not reached. */
export const NOT_REACHED: Omit<SourcePreflight, 'findings'> = {
  tables: undefined,
  types: [],
  database: undefined,
  encoding: undefined,
};

/** The settings that a finding about a connection names. */
export const CONNECTION_KEYS = {
  host: 'database.hostname',
  password: 'database.password',
  sslmode: 'database.sslmode',
} as const;
