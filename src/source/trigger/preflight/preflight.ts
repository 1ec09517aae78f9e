import type { Findings } from '../../../finding.ts';
import { failedLook } from '../../../postgres/preflight/connection-finding.ts';
import { type LookingSession } from '../../../postgres/preflight/session.ts';
import { compileFilter } from '../../capture/filter.ts';
import { judgeFilters, type Nearest } from '../../capture/preflight/judge-filters.ts';
import { lookAtSource, NOT_REACHED, type SourcePreflight } from '../../capture/preflight/source-preflight.ts';
import { captured, readRelations, readTables, type TableFacts } from '../../capture/preflight/table-facts.ts';
import { triggerNames } from '../names.ts';
import type { TriggerSourceSettings } from '../settings.ts';
import { findSetUp, findTables } from '../tables.ts';
import { judgeSetUp, judgeTriggers, type TriggerServer } from './judge-triggers.ts';

/** Looks at the source's server without changing anything there. Never throws: what fails is a finding. */
export async function checkTriggerSource(
  settings: TriggerSourceSettings,
  nearest: Nearest,
  signal: AbortSignal,
): Promise<SourcePreflight> {
  return await lookAtSource(settings.connection, (session, found) => look(session, settings, nearest, found), signal);
}

async function look(
  { client }: LookingSession,
  settings: TriggerSourceSettings,
  nearest: Nearest,
  found: Findings,
): Promise<SourcePreflight> {
  const object = `database ${settings.connection.database}`;
  try {
    const server = (await client.query<{ facts: TriggerServer }>(SERVER)).rows[0]?.facts as TriggerServer;
    const setUp = await findSetUp(client, triggerNames(settings.triggerName));
    found.add(judgeSetUp(server, setUp, settings));
    const filter = compileFilter(settings);
    const relations = await readRelations(client);
    const matched = captured(relations, filter, true);
    found.add(judgeFilters(relations, matched, settings, nearest, true));
    const tables: readonly TableFacts[] = await readTables(client, matched);
    const { wanted } = await findTables(client, settings.triggerName, filter);
    found.add(judgeTriggers(wanted, tables, settings));
    return {
      findings: found.all,
      tables: tables.map(({ table }) => table),
      types: tables.flatMap(({ types }) => types),
      database: server.instance,
      encoding: server.encoding,
    };
  } catch (error) {
    found.add([failedLook(error, 'tables', object)]);
    return { findings: found.all, ...NOT_REACHED };
  }
}

const SERVER = /* sql */ `
  select json_build_object('isStandby', pg_is_in_recovery(),
    'encoding', (select pg_encoding_to_char(encoding) from pg_catalog.pg_database where datname = current_database()),
    'mayCreate', has_database_privilege(current_database(), 'create'),
    'mayPrepare', current_setting('max_prepared_transactions') <> '0',
    'instance', (select pg_postmaster_start_time() || '/' || oid from pg_catalog.pg_database where datname = current_database())
  ) as facts`;
