import { DDL_KINDS, type DdlKind } from '../../change/ddl.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';

/** What a Postgres sink is told by its connector file. */
export interface PostgresSinkSettings {
  readonly connection: ConnectionSettings;
  /** The connector's name. */
  readonly name: string;
  /** The source's topic.prefix. */
  readonly prefix: string;
  /** Creates target tables (schemas and enum types too) that are missing (true). */
  readonly autoCreate?: boolean;
  /** Creates extensions that types of the source belong to (false). */
  readonly createExtensions?: boolean;
  /** Follows added, renamed, retyped and dropped columns (true). */
  readonly autoEvolve?: boolean;
  /** Leaves columns in place that the source dropped; they become nullable (false). */
  readonly keepDroppedColumns?: boolean;
  /**
   * What to do with rows that a target table has before its first copy: stop before anything is written ('refuse'), empty it ('truncate'), or
   * compare them with what the copy brings, tell the difference, and keep what is not at the source aside ('adopt').
   */
  readonly onExisting?: 'refuse' | 'truncate' | 'adopt';
  /** Target schema by source schema; others keep their name. */
  readonly schemaMapping?: Readonly<Record<string, string>>;
  /** Which kinds of DDL are replayed where the source sends it (all). */
  readonly ddlReplay?: readonly DdlKind[];
  /** How long a statement waits for a lock, and a claim for an earlier owner before it is terminated (10,000 ms). */
  readonly lockTimeoutMs?: number;
  /** After how long without a byte the server is asked, on another connection, whether it has answered (15,000 ms). */
  readonly quietMs?: number;
}

/** The settings with their defaults. */
export type ResolvedSinkSettings = Required<PostgresSinkSettings>;

export function resolveSinkSettings(settings: PostgresSinkSettings): ResolvedSinkSettings {
  return {
    autoCreate: true,
    createExtensions: false,
    autoEvolve: true,
    keepDroppedColumns: false,
    onExisting: 'refuse',
    schemaMapping: {},
    ddlReplay: DDL_KINDS,
    lockTimeoutMs: 10_000,
    quietMs: 15_000,
    ...settings,
  };
}

/** The schema that holds the target of a source schema's tables. */
export function targetSchema(settings: Pick<ResolvedSinkSettings, 'schemaMapping'>, schema: string): string {
  return Object.hasOwn(settings.schemaMapping, schema) ? (settings.schemaMapping[schema] as string) : schema;
}

/** Where rows of a source table go. */
export function targetName(
  settings: Pick<ResolvedSinkSettings, 'schemaMapping'>,
  { schema, name }: { readonly schema: string; readonly name: string },
): { schema: string; name: string } {
  return { schema: targetSchema(settings, schema), name };
}
