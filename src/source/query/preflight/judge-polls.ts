import { tableName } from '../../../change/table-schema.ts';
import type { Findings } from '../../../finding.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import type { TableFacts } from '../../capture/preflight/table-facts.ts';
import { cursorColumns } from '../poll-sql.ts';
import type { PolledTable } from '../polled-tables.ts';
import type { QuerySourceSettings } from '../settings.ts';

/** What is looked at of the server. */
export interface PolledServer {
  readonly isStandby: boolean;
  readonly encoding: string;
  readonly conflictMs: number;
  readonly feedback: boolean;
  /** This database in this run of this server. */
  readonly instance: string;
}

/** How much a poll reads of a table. */
export interface Size {
  readonly relationId: number;
  readonly bytes: number;
}

/** Reading more than this at every poll deserves a word. */
const LARGE_BYTES = 256 * 1024 * 1024;
const MEGABYTE = 1024 * 1024;

/** Polls on a standby may be ended by what it replays. */
export function judgeServer({ isStandby, conflictMs, feedback }: PolledServer, object: string, found: Findings): void {
  if (!isStandby) return;
  if (feedback || conflictMs < 0) found.ok('standby', object, 'It is a standby, which does not end polls.');
  else {
    found.warning(
      'standby',
      object,
      `It is a standby that ends a poll which is in the way of its replay for more than ${conflictMs} ms; such a poll is made again.`,
      /* sql */ `alter system set hot_standby_feedback = on; select pg_reload_conf(); -- on the standby`,
    );
  }
}

/** Judges rights, keys and what a poll costs. */
export function judgePolled(
  polled: readonly PolledTable[],
  facts: readonly TableFacts[],
  sizes: readonly Size[],
  settings: QuerySourceSettings,
  found: Findings,
): void {
  const { user } = settings.connection;
  for (const { schema, name, mayUseSchema, maySelect, hidesRows } of facts) {
    const object = `table ${schema}.${name}`;
    if (!mayUseSchema || !maySelect) {
      const grant = /* sql */ `grant usage on schema ${quoteIdentifier(schema)} to ${quoteIdentifier(user)}; grant select on table ${qualified(schema, name)} to ${quoteIdentifier(user)};`;
      found.problem('rights', object, `Role ${user} may not read it.`, grant);
    } else if (hidesRows) {
      const fix = /* sql */ `alter role ${quoteIdentifier(user)} bypassrls;`;
      found.problem(
        'row security',
        object,
        `A row security policy would hide rows from role ${user}: it is refused.`,
        fix,
      );
    }
  }
  if (found.isOk('rights') && facts.length > 0)
    found.ok('rights', `role ${user}`, `It may read everything that is captured (${facts.length}).`);
  for (const { table, origin } of polled) judgeKey(tableName(table), table.key.length, origin.kind, settings, found);
  for (const { relationId, bytes } of sizes) {
    const table = polled.find((each) => each.table.relationId === relationId)?.table;
    if (table === undefined || bytes < LARGE_BYTES) continue;
    found.warning(
      'index',
      `table ${tableName(table)}`,
      `Each poll reads all of it (${Math.round(bytes / MEGABYTE)} MB): no index tells which rows a transaction has written.`,
      '"poll.interval.ms": "60000" or more; or capture from the WAL or by triggers.',
    );
  }
}

function judgeKey(
  name: string,
  columns: number,
  kind: PolledTable['origin']['kind'],
  { mode }: QuerySourceSettings,
  found: Findings,
): void {
  if (columns > 0 || mode === 'bulk') return;
  const message = 'It has no key: rows that are read again could not be told from new ones.';
  const fix = kind === 'view' ? `"key.columns": "${name}:column"` : `"mode": "bulk", or a primary key`;
  found.problem('key', `${kind} ${name}`, message, fix);
}

/** Judges the columns that rows are to be read by; true when some are missing that are needed. */
export function judgeColumns({ table, origin }: PolledTable, settings: QuerySourceSettings, found: Findings): boolean {
  const { mode } = settings;
  const object = `${origin.kind} ${tableName(table)}`;
  if (mode === 'bulk') return false;
  if (mode === 'xid') {
    if (origin.kind === 'table') return false;
    found.problem('mode', object, 'It is no table: its rows have no transaction ids.', '"mode": "bulk", or timestamp');
    return true;
  }
  const { incrementing, timestamps } = cursorColumns(settings);
  const wanted = [...(incrementing === undefined ? [] : [incrementing]), ...timestamps];
  const missing = wanted.filter((name) => !table.columns.some((column) => column.name === name));
  if (origin.kind === 'table') {
    if (missing.length > 0) {
      const which = `It has no column ${missing.join(', ')}: that is no harm, its rows are found by their transactions.`;
      found.warning('columns', object, which);
    }
    return false;
  }
  if (wanted.length === 0 || missing.length > 0) {
    const which = wanted.length === 0 ? 'No column is named to read it by' : `It has no column ${missing.join(', ')}`;
    found.problem('columns', object, `${which}: it cannot be read in mode ${mode}.`);
    return true;
  }
  return false;
}
