import type pg from 'pg';
import { Findings, type Finding } from '../../../finding.ts';
import { connectionFinding, failedLook, serverName } from '../../../postgres/preflight/connection-finding.ts';
import { type LookingSession, openLooking } from '../../../postgres/preflight/session.ts';
import { type PostgresSinkSettings, type ResolvedSinkSettings, resolveSinkSettings } from '../settings.ts';
import { judgeTargetTables } from './judge-tables.ts';
import { judgeTarget } from './judge-target.ts';
import type { SourceType, SourceView } from './source-view.ts';
import { readProgress, readTarget, readTargetTables } from './target-facts.ts';

const KEYS = { host: 'connection.url', password: 'connection.password', sslmode: 'sslmode in connection.url' };

/**
 * Looks at a sink's target without changing anything there. `isRunning` says that the connector is known to run here. Never throws: what
 * fails is a finding.
 */
export async function checkPostgresSink(
  given: PostgresSinkSettings,
  source: SourceView | undefined,
  signal: AbortSignal,
  isRunning: boolean = false,
): Promise<readonly Finding[]> {
  const settings = resolveSinkSettings(given);
  const { connection } = settings;
  const found = new Findings();
  const object = serverName(connection);
  try {
    await using session = await openLooking(connection, signal);
    found.ok('reachable', object, `Database ${connection.database} is reached as ${connection.user}.`);
    await look(session, settings, source, found, isRunning);
  } catch (error) {
    found.add([connectionFinding(error, connection, KEYS)]);
  }
  return found.all;
}

async function look(
  { client }: LookingSession,
  settings: ResolvedSinkSettings,
  source: SourceView | undefined,
  found: Findings,
  isRunning: boolean,
): Promise<void> {
  const object = serverName(settings.connection);
  try {
    const target = await readTarget(client, settings);
    found.add(judgeTarget(target, { isRunning }, settings, source, object));
    if (source?.tables === undefined) return sayUnknown(settings, found);
    const progress = await readProgress(client, settings);
    const tables = await readTargetTables(client, settings, source.tables);
    const missingTypes = await readMissingTypes(client, source.types);
    found.add(judgeTargetTables({ settings, target, progress, tables, missingTypes }));
  } catch (error) {
    found.add([failedLook(error, 'target', object)]);
  }
}

function sayUnknown({ prefix, connection }: ResolvedSinkSettings, found: Findings): void {
  found.unknown(
    'tables',
    `database ${connection.database}`,
    `Which tables it gets is not known here: no source with topic.prefix ${prefix} could be looked at. Tables were not compared.`,
  );
}

async function readMissingTypes(client: pg.ClientBase, types: readonly SourceType[]): Promise<readonly SourceType[]> {
  const byName = new Map<string, SourceType>();
  for (const type of types) {
    const known = byName.get(type.name);
    byName.set(type.name, { ...type, isAutomatic: type.isAutomatic && (known?.isAutomatic ?? true) });
  }
  const names = [...byName.keys()];
  const { rows } = await client.query<{ name: string }>(
    /* sql */ `select name from unnest($1::text[]) name where to_regtype(name) is null`,
    [names],
  );
  const missing = rows.map(({ name }) => byName.get(name) as SourceType);
  // Composite types and ranges are made of others: those that are made of none come first.
  const isSimple = ({ ddl }: SourceType): boolean => / as enum \(/.test(ddl ?? '');
  return [...missing.filter(isSimple), ...missing.filter((type) => !isSimple(type))];
}
