import type { SequenceDdl } from '../../../change/ddl.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import { findSequence, makeSequence, sequenceOptions, type SequencePlace, sequenceType } from '../target-sequence.ts';
import { replayComment } from './comments.ts';
import { execute, type ReplayPlace } from './place.ts';

const DEFINING = ['type', 'start', 'increment', 'min', 'max', 'cache', 'cycles'] as const;

/** Brings a sequence to what it is at the source; where it stands is not told by DDL. */
export async function replaySequence(
  place: ReplayPlace,
  before: SequenceDdl | undefined,
  after: SequenceDdl,
): Promise<void> {
  if (before !== undefined) await rename(place, before, after);
  const on: SequencePlace = place;
  const state = { ...after, lastValue: after.start, isCalled: false };
  const found = await findSequence(on, state);
  const made = place.settings.autoCreate ? await makeSequence(on, state, found, place.signal) : found;
  if (made === undefined) return; // none of its columns is on the target
  const name = qualified(made.schema, made.name);
  const isNew = found === undefined;
  const isOther = isNew ? isIdentity(after) : DEFINING.some((part) => before?.[part] !== after[part]);
  if (isOther && place.settings.autoEvolve) {
    const type = isIdentity(after) ? '' : `as ${sequenceType(state)} `;
    await execute(place, name, /* sql */ `alter sequence ${name} ${type}${sequenceOptions(state)}`);
  }
  if (!isIdentity(after) && place.settings.autoEvolve) await replayOwner(place, name, before, after);
  await replayComment(place, `sequence ${name}`, before?.comment, after.comment);
}

/** Drops a sequence, unless it goes with its column. */
export async function dropSequence(place: ReplayPlace, state: SequenceDdl): Promise<void> {
  if (isIdentity(state) || !place.settings.autoEvolve) return;
  const { schema, name } = place.tables.nameOf(state);
  await execute(place, `sequence ${name}`, /* sql */ `drop sequence if exists ${qualified(schema, name)}`);
}

async function rename(place: ReplayPlace, before: SequenceDdl, after: SequenceDdl): Promise<void> {
  const [from, to] = [place.tables.nameOf(before), place.tables.nameOf(after)];
  const isSame = from.schema === to.schema && from.name === to.name;
  if (isSame || isIdentity(after) || !place.settings.autoEvolve) return;
  if (!(await exists(place, from)) || (await exists(place, to))) return;
  const object = `sequence ${from.name}`;
  if (from.schema !== to.schema) {
    const clause = `set schema ${quoteIdentifier(to.schema)}`;
    await execute(place, object, /* sql */ `alter sequence ${qualified(from.schema, from.name)} ${clause}`);
  }
  if (from.name === to.name) return;
  const clause = `rename to ${quoteIdentifier(to.name)}`;
  await execute(place, object, /* sql */ `alter sequence ${qualified(to.schema, from.name)} ${clause}`);
}

async function replayOwner(
  place: ReplayPlace,
  name: string,
  before: SequenceDdl | undefined,
  after: SequenceDdl,
): Promise<void> {
  const [old, now] = [ownerOf(place, before), ownerOf(place, after)];
  if (old?.sql === now?.sql) return;
  if (now !== undefined && !(await exists(place, now))) return;
  await execute(place, name, /* sql */ `alter sequence ${name} owned by ${now?.sql ?? 'none'}`);
}

function ownerOf(
  { tables }: ReplayPlace,
  state: SequenceDdl | undefined,
): { schema: string; name: string; sql: string } | undefined {
  const owner = state?.columns.find(({ isOwner }) => isOwner);
  if (owner === undefined) return undefined;
  const at = tables.nameOf({ schema: owner.schema, name: owner.table });
  return { ...at, sql: `${qualified(at.schema, at.name)}.${quoteIdentifier(owner.column)}` };
}

function isIdentity({ columns }: SequenceDdl): boolean {
  return columns.some(({ draws }) => draws !== 'n');
}

async function exists({ session }: ReplayPlace, at: { schema: string; name: string }): Promise<boolean> {
  const { rowCount } = await session.client.query(
    /* sql */ `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2`,
    [at.schema, at.name],
  );
  return (rowCount ?? 0) > 0;
}
