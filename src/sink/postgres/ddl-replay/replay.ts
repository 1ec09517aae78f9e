import type { DdlChange, DdlObject, TableState } from '../../../change/ddl.ts';
import { checkDeferred } from '../deferred.ts';
import type { DdlKind } from '../settings.ts';
import { leavePartition, replayPartition } from './partition-replay.ts';
import type { ReplayPlace } from './place.ts';
import { alterTable, createTable, dropForeignKeys, dropTables } from './table-replay.ts';
import { dropSchema, dropType, replaySchema, replayType } from './type-replay.ts';

/**
 * Does on the target what a DDL statement has done at the source, in the transaction that has the rows before and behind it. Every statement is
 * composed here from what objects looked like before and after; the text that somebody wrote is not run (Invariant 11). What is there already is
 * left alone, so that it can be repeated, and a person can do it by hand.
 */
export async function replayDdl(place: ReplayPlace): Promise<void> {
  const changes = place.ddl.changes.filter(({ before, after }) => isWanted(place, (after ?? before) as DdlObject));
  if (changes.length === 0) return;
  await checkDeferred(place.session, place.signal);
  await dropGoneTables(place, changes);
  for (const change of changes) {
    const { before, after } = change;
    if (after === undefined) continue;
    if (after.kind === 'schema') await replaySchema(place, before as typeof after | undefined, after);
    else if (after.kind !== 'table') await replayType(place, before as typeof after | undefined, after);
    else await replayTable(place, before as TableState | undefined, after, change);
  }
  await dropGoneTypes(place, changes);
  place.tables.changed();
}

async function replayTable(
  place: ReplayPlace,
  before: TableState | undefined,
  after: TableState,
  change: DdlChange,
): Promise<void> {
  if (before?.partition !== undefined || after.partition !== undefined) {
    await replayPartition(place, before, after, change.hasRows === true);
  } else if (before === undefined) await createTable(place, after);
  else await alterTable(place, before, after, change);
}

/** Foreign keys hold tables, and go first. */
async function dropGoneTables(place: ReplayPlace, changes: readonly DdlChange[]): Promise<void> {
  for (const { before, after } of changes) {
    if (before?.kind !== 'table') continue;
    await dropForeignKeys(place, before, after as TableState | undefined);
  }
  const gone = goneIn(changes).filter((state) => state.kind === 'table');
  await dropTables(
    place,
    gone.filter(({ partition }) => partition === undefined),
  );
  for (const state of gone) if (state.partition !== undefined) await leavePartition(place, state);
}

/** Columns hold types, and all of them schemas: these go last. */
async function dropGoneTypes(place: ReplayPlace, changes: readonly DdlChange[]): Promise<void> {
  const gone = goneIn(changes);
  for (const state of gone) if (state.kind !== 'table' && state.kind !== 'schema') await dropType(place, state);
  for (const state of gone) if (state.kind === 'schema') await dropSchema(place, state);
}

function goneIn(changes: readonly DdlChange[]): DdlObject[] {
  return changes.flatMap(({ before, after }) => (before !== undefined && after === undefined ? [before] : []));
}

function isWanted({ settings }: ReplayPlace, state: DdlObject): boolean {
  const kind: DdlKind = state.kind === 'table' ? 'tables' : state.kind === 'schema' ? 'schemas' : 'types';
  return settings.ddlReplay.includes(kind);
}
