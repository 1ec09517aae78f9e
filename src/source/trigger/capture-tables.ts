import type pg from 'pg';
import { OperatorError, TransientError } from '../../errors.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import type { Warn } from '../capture/warn.ts';
import { dropTriggers, INSTALL_TRIGGERS, makePartTriggers, makeTriggers } from './set-up.ts';
import type { TriggerSourceSettings } from './settings.ts';
import { captureId, findTables, firesAlways, type FoundTable, leavesWithout, missing } from './tables.ts';

export interface CaptureTablesParts {
  /** The connection that holds the connector's lock. */
  readonly client: pg.ClientBase;
  readonly settings: TriggerSourceSettings;
  readonly filter: CaptureFilter;
  readonly warn: Warn;
  /** What was warned of; kept over restarts of the source in this process. */
  readonly told: Set<string>;
}

/** A table whose rows are captured. */
export interface CapturedTable {
  readonly relationId: number;
  readonly schema: string;
  readonly name: string;
  readonly isPartitioned: boolean;
  /** Names its triggers: with others, changes may have been missed. */
  readonly captureId: number;
}

/** What there is to capture. */
export interface TriggeredTables {
  readonly captured: readonly CapturedTable[];
  /** Taken in by the lists, but not captured, and why. */
  readonly lacking: readonly { readonly table: FoundTable; readonly why: string }[];
}

/**
 * Brings the triggers to what the lists say. A table that is busy is waited for where `isFirst`, elsewhere it joins later. Where somebody else makes
 * the triggers, tables without are told of.
 */
export async function captureTables(parts: CaptureTablesParts, isFirst: boolean): Promise<TriggeredTables> {
  const { client, settings, filter } = parts;
  const { triggerName, autocreateMode } = settings;
  let found = await findTables(client, triggerName, filter);
  if (autocreateMode === 'filtered') {
    const isChanged = await bringTriggers(parts, found.wanted, isFirst);
    for (const table of found.unwanted) await dropTriggers(client, triggerName, table);
    if (isChanged) found = await findTables(client, triggerName, filter);
  }
  const captured: CapturedTable[] = [];
  const lacking: { table: FoundTable; why: string }[] = [];
  for (const table of found.wanted) {
    const why = missing(table);
    if (why === undefined) {
      captured.push({ ...pick(table), captureId: captureId(table) });
      warnOfReplicas(parts, table);
    } else lacking.push({ table, why });
  }
  for (const { table, why } of lacking) tell(parts, `${table.schema}.${table.name}`, why);
  return { captured, lacking };
}

/** Throws OperatorError when one of the tables that were captured so far is not any more, though the lists take it in. */
export function assertCaptured(
  { lacking }: TriggeredTables,
  known: ReadonlySet<number>,
  { triggerName }: Pick<TriggerSourceSettings, 'triggerName'>,
): void {
  const lost = lacking.find(({ table }) => known.has(table.relationId));
  if (lost) throw missed(lost.table, lost.why, triggerName);
}

/** Throws OperatorError when a table that the lists take in is not captured: its rows in the replica would grow old unseen. */
export function assertAllCaptured(
  { lacking }: TriggeredTables,
  { triggerName }: Pick<TriggerSourceSettings, 'triggerName'>,
): void {
  const [lost] = lacking;
  if (lost) throw missed(lost.table, lost.why, triggerName);
}

async function bringTriggers(
  { client, settings, warn, told }: CaptureTablesParts,
  wanted: readonly FoundTable[],
  isFirst: boolean,
): Promise<boolean> {
  let isChanged = false;
  for (const table of wanted) {
    const isLacking = missing(table) !== undefined || (table.isOwned && !firesAlways(table));
    try {
      if (isLacking) await makeTriggers(client, settings.triggerName, table);
      else if (leavesWithout(table).length > 0) await makePartTriggers(client, settings.triggerName, table);
      else continue;
      isChanged = true;
    } catch (error) {
      if (!(error instanceof TransientError) || isFirst) throw error;
      const name = `${table.schema}.${table.name}`;
      if (told.has(`busy ${name}`)) continue;
      told.add(`busy ${name}`);
      warn(
        `Table ${name} is not captured yet: ${error.message}`,
        'It is tried again; end the transaction that writes to it.',
      );
    }
  }
  return isChanged;
}

/** Loading tools and replication set session_replication_role: what they write would not be seen. */
function warnOfReplicas(parts: CaptureTablesParts, table: FoundTable): void {
  const name = `${table.schema}.${table.name}`;
  if (firesAlways(table) || parts.told.has(`replica ${name}`)) return;
  parts.told.add(`replica ${name}`);
  parts.warn(
    `Changes of table ${name} by sessions with session_replication_role = replica are not captured`,
    `Only the owner of a table may let its triggers fire always: let it run the SQL that "${INSTALL_TRIGGERS}" prints.`,
  );
}

function tell({ settings, warn, told }: CaptureTablesParts, name: string, why: string): void {
  if (told.has(name)) return;
  told.add(name);
  warn(
    `Table ${name} is not captured: ${why}`,
    `Let a role that may make it run the SQL that "${INSTALL_TRIGGERS} ${settings.name}" prints, or exclude the table (table.exclude.list).`,
  );
}

function missed(table: FoundTable, why: string, trigger: string): OperatorError {
  return new OperatorError(
    `Changes of table ${table.schema}.${table.name} are missed: ${why} (triggers "${trigger}")`,
    {
      advice: `Make its triggers again ("${INSTALL_TRIGGERS}") and start the connector: the table is copied again then. Or exclude it (table.exclude.list).`,
    },
  );
}

function pick({ relationId, schema, name, isPartitioned }: FoundTable): Omit<CapturedTable, 'captureId'> {
  return { relationId, schema, name, isPartitioned };
}
