import { sourceConnection } from '../../connector/connection-of.ts';
import type { SourceConnector } from '../../connector/load-file.ts';
import { nearest } from '../../connector/nearest.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { openLooking } from '../../postgres/preflight/session.ts';
import { type CaptureLists, compileFilter } from '../../source/capture/filter.ts';
import type { SourcePreflight } from '../../source/capture/preflight/source-preflight.ts';
import { captured, readRelations } from '../../source/capture/preflight/table-facts.ts';
import { checkQuerySource } from '../../source/query/preflight/preflight.ts';
import type { QuerySourceSettings } from '../../source/query/settings.ts';
import { checkTriggerSource } from '../../source/trigger/preflight/preflight.ts';
import type { TriggerSourceSettings } from '../../source/trigger/settings.ts';
import { checkWalSource } from '../../source/wal/preflight/preflight.ts';
import type { WalSourceSettings } from '../../source/wal/settings.ts';
import { querySourceSettings, triggerSourceSettings, walSourceSettings } from '../settings.ts';
import { type CaptureMode, type LookedAtMode, type Recommendation, recommendCapture } from './judge-capture.ts';

/** A database, what is to be captured of it, and as whom. */
export interface Capturable {
  readonly connection: ConnectionSettings;
  readonly lists: CaptureLists;
  /** The connector that captures it, if there is one: its own names of slot, publication and triggers count. */
  readonly connector?: SourceConnector;
}

/** What a connector's file says of its database. */
export function capturableOf(connector: SourceConnector): Capturable {
  const { config } = connector;
  return { connection: sourceConnection(config), lists: listsOf(config), connector };
}

/** Every table of a database. */
export function everythingIn(connection: ConnectionSettings): Capturable {
  return { connection, lists: listsOf() };
}

/**
 * Looks at a database as connectors of each class would, with no right but to connect, and recommends one of them. Changes nothing there. Throws
 * TransientError or OperatorError when the server cannot be reached.
 */
export async function recommend(it: Capturable, signal: AbortSignal): Promise<Recommendation> {
  const views = await onlyViews(it, signal);
  const looks: Record<CaptureMode, LookedAtMode> = {
    PostgresWalSource: looked(await checkWalSource(walSettings(it), nearest, signal)),
    PostgresTriggerSource: looked(await checkTriggerSource(triggerSettings(it), nearest, signal)),
    PostgresQuerySource: looked(await checkQuerySource(querySettings(it, views), nearest, signal)),
  };
  return recommendCapture(looks);
}

function looked({ findings, tables }: SourcePreflight): LookedAtMode {
  return { findings, tables: tables?.length };
}

/** The views that could be captured where there is no table; undefined where there are tables. */
async function onlyViews({ connection, lists }: Capturable, signal: AbortSignal): Promise<string[] | undefined> {
  await using session = await openLooking(connection, signal);
  const filter = compileFilter(lists);
  const relations = await readRelations(session.client);
  if (captured(relations, filter, false).length > 0) return undefined;
  const views = relations.filter(({ kind, schema, name }) => 'vmf'.includes(kind) && filter.table(schema, name));
  return views.length === 0 ? undefined : views.map(({ schema, name }) => escaped(`${schema}.${name}`));
}

/** As an expression that matches this name alone. */
function escaped(name: string): string {
  return name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

const NAME = 'rowcast';
const BATCH_BYTES = 1024 * 1024;

function walSettings({ connection, lists, connector }: Capturable): WalSourceSettings {
  if (connector?.kind === 'PostgresWalSource') return walSourceSettings(connector.name, connector.config);
  return {
    ...lists,
    connection,
    name: connector?.name ?? NAME,
    slotName: NAME,
    publicationName: NAME,
    publicationAutocreateMode: 'filtered',
    snapshotMode: 'initial',
    snapshotThreads: 1,
    snapshotChunkBytes: BATCH_BYTES,
    maxBatchBytes: BATCH_BYTES,
    statusIntervalMs: 1_000,
  };
}

function triggerSettings({ connection, lists, connector }: Capturable): TriggerSourceSettings {
  if (connector?.kind === 'PostgresTriggerSource') return triggerSourceSettings(connector.name, connector.config);
  return {
    ...lists,
    connection,
    name: connector?.name ?? NAME,
    triggerName: NAME,
    autocreateMode: 'filtered',
    snapshotMode: 'initial',
    snapshotThreads: 1,
    snapshotChunkBytes: BATCH_BYTES,
    maxBatchBytes: BATCH_BYTES,
    pollIntervalMs: 1_000,
  };
}

/** Views have no transactions to be found by: whole ones are exact. */
function querySettings({ connection, lists, connector }: Capturable, views?: readonly string[]): QuerySourceSettings {
  if (connector?.kind === 'PostgresQuerySource') return querySourceSettings(connector.name, connector.config);
  return {
    ...lists,
    ...(views && { tableInclude: views }),
    connection,
    name: connector?.name ?? NAME,
    mode: views === undefined ? 'xid' : 'bulk',
    incrementingColumn: undefined,
    timestampColumns: [],
    timestampDelayMs: 0,
    pollIntervalMs: 1_000,
    query: undefined,
    keyColumns: [],
    deletes: 'ignore',
    keyMemoryBytes: BATCH_BYTES,
    maxBatchBytes: BATCH_BYTES,
  };
}

function listsOf(given: Partial<CaptureLists> = {}): CaptureLists {
  const { schemaInclude = [], schemaExclude = [], tableInclude = [] } = given;
  const { tableExclude = [], columnInclude = [], columnExclude = [] } = given;
  return { schemaInclude, schemaExclude, tableInclude, tableExclude, columnInclude, columnExclude };
}
