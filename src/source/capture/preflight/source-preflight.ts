import type { TableSchema } from '../../../change/table-schema.ts';
import { type Finding, Findings } from '../../../finding.ts';
import type { ConnectionSettings } from '../../../postgres/connection-settings.ts';
import { connectionFinding, serverName } from '../../../postgres/preflight/connection-finding.ts';
import { type LookingSession, openLooking } from '../../../postgres/preflight/session.ts';
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

/** Connects, has `look` add what it finds, and says what else there is to know. Never throws: what fails is a finding. */
export async function lookAtSource(
  connection: ConnectionSettings,
  look: (session: LookingSession, found: Findings) => Promise<SourcePreflight>,
  signal: AbortSignal,
): Promise<SourcePreflight> {
  const found = new Findings();
  try {
    await using session = await openLooking(connection, signal);
    found.ok('reachable', serverName(connection), `Database ${connection.database} is reached as ${connection.user}.`);
    return await look(session, found);
  } catch (error) {
    found.add([connectionFinding(error, connection, CONNECTION_KEYS)]);
    return { findings: found.all, ...NOT_REACHED };
  }
}
