import {
  type DdlChange,
  type DdlKind,
  type DdlObject,
  ddlObjectName,
  isType,
  type TableState,
} from '../../../change/ddl.ts';
import { checkDeferred } from '../deferred.ts';
import { leavePartition, replayPartition } from './partition-replay.ts';
import type { ReplayPlace } from './place.ts';
import { dropSequence, replaySequence } from './sequence-replay.ts';
import { alterTable, createTable, dropForeignKeys, dropTables } from './table-replay.ts';
import { dropRoutine, dropView, replayRoutine, replayView } from './text-replay.ts';
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
  for (const state of goneIn(changes)) if (state.kind === 'view') await dropView(place, state);
  await dropGoneTables(place, changes);
  // What draws from a sequence, or is looked at by a view, is there first.
  for (const change of changes.toSorted((a, b) => rankOf(a) - rankOf(b))) await replayChange(place, change);
  await dropGoneOthers(place, changes);
  place.tables.changed();
}

const LATE: readonly DdlObject['kind'][] = ['sequence', 'routine', 'view'];

function rankOf({ before, after }: DdlChange): number {
  return LATE.indexOf(((after ?? before) as DdlObject).kind);
}

async function replayChange(place: ReplayPlace, change: DdlChange): Promise<void> {
  const { after } = change;
  if (after === undefined) return;
  const before = change.before as typeof after | undefined;
  if (after.kind === 'schema') await replaySchema(place, before as typeof after | undefined, after);
  else if (after.kind === 'sequence') await replaySequence(place, before as typeof after | undefined, after);
  else if (after.kind === 'routine') await replayRoutine(place, before as typeof after | undefined, after);
  else if (after.kind === 'view')
    await replayView(place, before as typeof after | undefined, after, change.isRewritten === true);
  else if (after.kind === 'table') await replayTable(place, before as TableState | undefined, after, change);
  else await replayType(place, before as typeof after | undefined, after);
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
async function dropGoneOthers(place: ReplayPlace, changes: readonly DdlChange[]): Promise<void> {
  const gone = goneIn(changes);
  for (const state of gone) if (state.kind === 'routine') await dropRoutine(place, state);
  for (const state of gone) if (state.kind === 'sequence') await dropSequence(place, state);
  for (const state of gone) if (isType(state)) await dropType(place, state);
  for (const state of gone) if (state.kind === 'schema') await dropSchema(place, state);
}

function goneIn(changes: readonly DdlChange[]): DdlObject[] {
  return changes.flatMap(({ before, after }) => (before !== undefined && after === undefined ? [before] : []));
}

const KINDS: Readonly<Partial<Record<DdlObject['kind'], DdlKind>>> = {
  table: 'tables',
  schema: 'schemas',
  sequence: 'sequences',
  view: 'views',
  routine: 'functions',
};

/** What stays out because nobody said that text of the source may run here is told once. */
function isWanted({ settings, warn }: ReplayPlace, state: DdlObject): boolean {
  const kind = KINDS[state.kind] ?? 'types';
  const isOn = settings.ddlReplay.includes(kind);
  if (!isOn && (kind === 'views' || kind === 'functions')) {
    warn(
      `DDL of ${kind} is not replayed`,
      `There is ${ddlObjectName(state)}, for one. Their text would run with the rights of the sink: add ${kind} to ddl.replay if you trust everybody who may create them at the source.`,
    );
  }
  return isOn;
}
