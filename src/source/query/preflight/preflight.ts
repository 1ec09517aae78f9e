import type pg from 'pg';
import { tableName } from '../../../change/table-schema.ts';
import type { Findings } from '../../../finding.ts';
import { describeError } from '../../../errors.ts';
import { failedLook, serverName } from '../../../postgres/preflight/connection-finding.ts';
import { compileFilter } from '../../capture/filter.ts';
import { judgeFilters, type Nearest } from '../../capture/preflight/judge-filters.ts';
import { lookAtSource, NOT_REACHED, type SourcePreflight } from '../../capture/preflight/source-preflight.ts';
import { captured, readRelations, readTables, type SourceType } from '../../capture/preflight/table-facts.ts';
import { cursorColumns, cursorNowStatement } from '../poll-sql.ts';
import { PolledTables, type PolledTable } from '../polled-tables.ts';
import type { QuerySourceSettings } from '../settings.ts';
import { judgeColumns, judgePolled, judgeServer, type PolledServer, type Size } from './judge-polls.ts';

/** Looks at what is to be polled without changing anything. Never throws: what fails is a finding. */
export async function checkQuerySource(
  settings: QuerySourceSettings,
  nearest: Nearest,
  signal: AbortSignal,
): Promise<SourcePreflight> {
  return await lookAtSource(
    settings.connection,
    (session, found) => look(session.client, settings, nearest, found),
    signal,
  );
}

async function look(
  client: pg.ClientBase,
  settings: QuerySourceSettings,
  nearest: Nearest,
  found: Findings,
): Promise<SourcePreflight> {
  try {
    const server = (await client.query<{ facts: PolledServer }>(SERVER)).rows[0]?.facts as PolledServer;
    judgeServer(server, serverName(settings.connection), found);
    const polled: PolledTable[] = [];
    let types: readonly SourceType[] = [];
    if (settings.query !== undefined) polled.push(...(await describe(client, settings, found)));
    else {
      const filter = compileFilter(settings);
      const relations = await readRelations(client);
      const tables = captured(relations, filter, false);
      const names = await new PolledTables(settings, filter).list(client);
      const views = relations.filter(({ relationId }) => names.some((each) => each.relationId === relationId));
      const matched = [...new Set([...tables, ...views])];
      found.add(judgeFilters(relations, matched, settings, nearest, false));
      const facts = await readTables(client, matched);
      polled.push(...(await describe(client, settings, found)));
      judgePolled(polled, facts, await sizes(client, polled), settings, found);
      types = facts.flatMap((each) => each.types);
    }
    for (const each of polled) await tryColumns(client, each, settings, found);
    const { instance: database, encoding } = server;
    return { findings: found.all, tables: polled.map(({ table }) => table), types, database, encoding };
  } catch (error) {
    found.add([failedLook(error, 'tables', `database ${settings.connection.database}`)]);
    return { findings: found.all, ...NOT_REACHED };
  }
}

/** As polls do. A query that the server refuses is a problem of its own. */
async function describe(
  client: pg.ClientBase,
  settings: QuerySourceSettings,
  found: Findings,
): Promise<readonly PolledTable[]> {
  const tables = new PolledTables(settings, compileFilter(settings));
  try {
    return await tables.describe(client, await tables.list(client));
  } catch (error) {
    if (settings.query === undefined) throw error;
    found.problem('query', `query ${tableName(settings.query)}`, `The server refuses it: ${describeError(error)}.`);
    return [];
  }
}

/** Views and queries are read by columns that have to be there and to be comparable: only trying tells. */
async function tryColumns(
  client: pg.ClientBase,
  polled: PolledTable,
  settings: QuerySourceSettings,
  found: Findings,
): Promise<void> {
  const isMissing = judgeColumns(polled, settings, found);
  if (polled.origin.kind === 'table' || settings.mode === 'bulk' || settings.mode === 'xid' || isMissing) return;
  const object = `${polled.origin.kind} ${tableName(polled.table)}`;
  try {
    await client.query(cursorNowStatement(polled.table, polled.origin, cursorColumns(settings)));
    found.warning(
      'best effort',
      object,
      `Its rows are found by their columns as well as can be: one that commits later than ${settings.timestampDelayMs} ms is missed.`,
      'Poll the tables themselves, or set "mode": "bulk".',
    );
  } catch (error) {
    found.problem('columns', object, `It cannot be read by its columns: ${describeError(error)}.`);
  }
}

async function sizes(client: pg.ClientBase, polled: readonly PolledTable[]): Promise<readonly Size[]> {
  const ids = polled.filter(({ origin }) => origin.kind === 'table').map(({ table }) => table.relationId);
  return (await client.query<Size>(SIZES, [ids])).rows;
}

const SIZES = /* sql */ `
  select w.id::float8 as "relationId", sum(pg_table_size(t.relid))::float8 as bytes
  from unnest($1::int8[]) w (id) cross join lateral pg_partition_tree(w.id::oid) t group by w.id
  union all
  select w.id::float8, pg_table_size(w.id::oid)::float8 from unnest($1::int8[]) w (id)
  where not exists (select from pg_partition_tree(w.id::oid))`;

const SERVER = /* sql */ `
  select json_build_object('isStandby', pg_is_in_recovery(),
    'encoding', (select pg_encoding_to_char(encoding) from pg_catalog.pg_database where datname = current_database()),
    'conflictMs', (select setting::float8 from pg_catalog.pg_settings where name = 'max_standby_streaming_delay'),
    'feedback', current_setting('hot_standby_feedback') = 'on',
    'instance', (select pg_postmaster_start_time() || '/' || oid from pg_catalog.pg_database where datname = current_database())
  ) as facts`;
