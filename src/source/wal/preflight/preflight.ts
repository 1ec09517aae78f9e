import type { Findings } from '../../../finding.ts';
import { connectionFinding, failedLook, serverName } from '../../../postgres/preflight/connection-finding.ts';
import { identify, type LookingSession } from '../../../postgres/preflight/session.ts';
import { compileFilter } from '../../capture/filter.ts';
import type { WalSourceSettings } from '../settings.ts';
import { readDdlSetup } from '../ddl/ddl-setup.ts';
import { judgeDdl } from './judge-ddl.ts';
import { judgeFilters, type Nearest } from '../../capture/preflight/judge-filters.ts';
import {
  CONNECTION_KEYS,
  lookAtSource,
  NOT_REACHED,
  type SourcePreflight,
} from '../../capture/preflight/source-preflight.ts';
import { judgePublication } from './judge-publication.ts';
import { judgeServer } from './judge-server.ts';
import { judgeSlot } from './judge-slot.ts';
import { judgeTables } from './judge-tables.ts';
import { readPublication } from './publication-facts.ts';
import { readServer, type ServerFacts } from './server-facts.ts';
import { captured, readRelations, readTables, type TableFacts } from '../../capture/preflight/table-facts.ts';

/** Looks at the source's server without changing anything there. Never throws: what fails is a finding. */
export async function checkWalSource(
  settings: WalSourceSettings,
  nearest: Nearest,
  signal: AbortSignal,
): Promise<SourcePreflight> {
  return await lookAtSource(
    settings.connection,
    (session, found) => look(session, settings, nearest, found, signal),
    signal,
  );
}

async function look(
  session: LookingSession,
  settings: WalSourceSettings,
  nearest: Nearest,
  found: Findings,
  signal: AbortSignal,
): Promise<SourcePreflight> {
  const object = serverName(settings.connection);
  let server: ServerFacts;
  try {
    server = await readServer(session.client);
  } catch (error) {
    found.add([failedLook(error, 'server', object)]);
    return { findings: found.all, ...NOT_REACHED };
  }
  found.add(judgeServer(server, settings, object));
  found.add(judgeSlot(server, settings));
  const tables = await lookAtTables(session, settings, server, nearest, found);
  if (found.isOk('replication') && found.isOk('wal senders')) await tryWalsender(settings, found, signal);
  return {
    findings: found.all,
    tables: tables?.map(({ table }) => table),
    types: tables?.flatMap(({ types }) => types) ?? [],
    database: server.instance,
    encoding: server.encoding,
  };
}

async function lookAtTables(
  { client }: LookingSession,
  settings: WalSourceSettings,
  server: ServerFacts,
  nearest: Nearest,
  found: Findings,
): Promise<readonly TableFacts[] | undefined> {
  try {
    const filter = compileFilter(settings);
    const relations = await readRelations(client);
    const matched = captured(relations, filter, true);
    found.add(judgeFilters(relations, matched, settings, nearest, true));
    const tables = await readTables(client, matched);
    found.add(judgeTables(tables, settings, filter));
    const publication = await readPublication(client, settings.publicationName);
    found.add(judgePublication({ settings, server, publication, tables }));
    found.add(judgeDdl(await readDdlSetup(client), settings.name, settings.connection.database));
    return tables;
  } catch (error) {
    found.add([failedLook(error, 'tables', `database ${settings.connection.database}`)]);
    return undefined;
  }
}

/** pg_hba.conf, poolers and the role's rights all have a say in this: only trying tells. */
async function tryWalsender({ connection }: WalSourceSettings, found: Findings, signal: AbortSignal): Promise<void> {
  try {
    await identify(connection, signal);
    found.ok('replication connection', serverName(connection), 'A replication connection is accepted.');
  } catch (error) {
    const finding = connectionFinding(error, connection, CONNECTION_KEYS);
    found.add([{ ...finding, check: 'replication connection' }]);
  }
}
