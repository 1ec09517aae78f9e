import type { Column, ColumnType, ReplicaIdentity, TableSchema } from '../../change/table-schema.ts';
import type { RelationFacts } from '../../postgres/catalog.ts';
import { computedColumns } from '../capture/computed.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import type { SignalLayout } from './signals/signal-table.ts';
import type { RelationColumn, RelationMessage } from './decoder.ts';
import type { TupleLayout } from './tuple.ts';

/** A relation as the stream describes it now. */
export interface Relation extends TupleLayout {
  readonly table: TableSchema;
  /** False for a relation that the publication has and the filters exclude: its rows are passed over. */
  readonly captured: boolean;
  /** The log of DDL: its rows are not rows of the source but what happens to its tables. */
  readonly isDdlLog?: boolean;
  /** How the rows of the table of signals are read: each is one, whether it is captured too or not. */
  readonly signals?: SignalLayout;
  announced: boolean;
  /** Where the table stands in the batch with this number. */
  batch: number;
  slot: number;
}

/** Names one type of the stream: id and modifier. */
export function typeKey(typeId: number, modifier: number): string {
  return `${typeId}/${modifier}`;
}

/** The columns' types that `facts` (newer than the stream, perhaps) does not tell: to be looked up by their ids. */
export function missingTypes(message: RelationMessage, facts: RelationFacts | undefined): RelationColumn[] {
  return message.columns.filter((column) => sameColumn(column, facts) === undefined);
}

/**
 * Makes the table version that a Relation message begins: names, types and the key come from the stream, the rest from the catalog
 * where it still tells of the same column (B9), else from the version before. `seenKey`: the numbers of the key's columns as of the stream, where
 * it has told of them.
 */
export function describeRelation(
  message: RelationMessage,
  facts: RelationFacts | undefined,
  types: ReadonlyMap<string, ColumnType>,
  previous: TableSchema | undefined,
  filter: CaptureFilter,
  seenKey?: readonly number[],
): Relation {
  const attnums = inOrder(message, findAttnums(message, facts, previous), previous);
  const key = findKey(message, seenKey ?? keyIn(facts), attnums);
  const keep = Uint8Array.from(message.columns, ({ name }, i) =>
    key.includes(i) || filter.column(message.schema, message.name, name) ? 1 : 0,
  );
  const all = message.columns.map((column, i): Column => {
    const same = sameColumn(column, facts);
    const type = same?.type ?? types.get(typeKey(column.typeId, column.modifier));
    if (type === undefined) throw new Error(`Type ${column.typeId} of column ${column.name} was not looked up`);
    const attnum = attnums[i] as number;
    const present = same?.attnum === attnum ? same : undefined;
    const missing = present?.missing ?? missingBefore(attnum, type, previous);
    const known: Partial<Column> = present ?? previous?.columns.find(({ name }) => name === column.name) ?? {};
    const { missing: _, ...rest } = known;
    // A key is NOT NULL, also where the catalog, which is newer, has another type and tells nothing of it.
    const nullable = !key.includes(i) && (known.nullable ?? true);
    return { ...rest, name: column.name, attnum, type, nullable, ...(missing !== undefined && { missing }) };
  });
  const ordinals = new Map<number, number>();
  const columns = all.filter((_, i) => keep[i] === 1 && ordinals.set(i, ordinals.size));
  const required = Uint8Array.from(all, (column) => (column.nullable ? 0 : 1));
  const table: TableSchema = {
    relationId: message.relationId,
    version: 0,
    schema: message.schema,
    name: message.name,
    columns,
    key: key.map((i) => ordinals.get(i) as number),
    identity: IDENTITIES[message.identity] ?? 'default',
    ...computedColumns(
      facts,
      message.columns.map(({ name }) => name),
      filter,
    ),
  };
  const captured = filter.table(message.schema, message.name);
  return { table, keep, required, captured, announced: false, batch: -1, slot: -1 };
}

/** `rowcast.ddl`: read whole, whatever the filters say, and never captured as a table. */
export function ddlLogRelation({ relationId, schema, name, columns }: RelationMessage): Relation {
  const text = {
    oid: 25,
    name: 'pg_catalog.text',
    declared: 'text',
    modifier: -1,
    kind: 'base',
    base: 'pg_catalog.text',
    baseModifier: -1,
  } as const;
  const table: TableSchema = {
    relationId,
    version: 0,
    schema,
    name,
    key: [],
    identity: 'default',
    columns: columns.map((column, i) => ({ name: column.name, attnum: i + 1, type: text, nullable: true })),
  };
  const keep = new Uint8Array(columns.length).fill(1);
  const required = new Uint8Array(columns.length);
  return { table, keep, required, captured: false, isDdlLog: true, announced: false, batch: -1, slot: -1 };
}

/** True when both say the same, version apart. */
export function isSameTable(a: TableSchema, b: TableSchema): boolean {
  return JSON.stringify({ ...a, version: 0 }) === JSON.stringify({ ...b, version: 0 });
}

function keyIn(facts: RelationFacts | undefined): number[] {
  return (facts?.key ?? []).map((ordinal) => facts?.columns[ordinal]?.attnum ?? -1);
}

/** The catalog forgets what older rows have as soon as something rewrites them, but it stays true of the column. */
function missingBefore(attnum: number, type: ColumnType, previous: TableSchema | undefined): string | undefined {
  const before = attnum > 0 ? previous?.columns.find((column) => column.attnum === attnum) : undefined;
  return before?.type.oid === type.oid && before.type.modifier === type.modifier ? before.missing : undefined;
}

const IDENTITIES: Readonly<Record<string, ReplicaIdentity>> = { d: 'default', n: 'nothing', f: 'full', i: 'index' };

/** The catalog's column of this name, if it still has the type that the stream tells. */
function sameColumn({ name, typeId, modifier }: RelationColumn, facts: RelationFacts | undefined): Column | undefined {
  return facts?.columns.find(
    (column) => column.name === name && column.type.oid === typeId && column.type.modifier === modifier,
  );
}

/** By name; a single column that only the stream has and a single one that only the catalog has are one that was renamed. */
function findAttnums(
  message: RelationMessage,
  facts: RelationFacts | undefined,
  previous: TableSchema | undefined,
): number[] {
  const known = new Map(
    [...(previous?.columns ?? []), ...(facts?.columns ?? [])].map(({ name, attnum }) => [name, attnum]),
  );
  const names = new Set(message.columns.map(({ name }) => name));
  const lost = message.columns.filter(({ name }) => !known.has(name));
  const used = new Set(message.columns.map(({ name }) => known.get(name)));
  const fresh = (facts?.columns ?? []).filter(
    (column) => !names.has(column.name) && !used.has(column.attnum) && !column.generated,
  );
  const [only] = lost;
  const [candidate] = fresh;
  if (lost.length === 1 && fresh.length === 1 && only && candidate?.type.oid === only.typeId) {
    known.set(only.name, candidate.attnum);
  }
  return message.columns.map(({ name }) => known.get(name) ?? 0);
}

/**
 * The stream tells columns in the order of their numbers. One that the catalog has further back was dropped since, and another one
 * has its name now; of the last columns that cannot be told.
 */
function inOrder(message: RelationMessage, attnums: readonly number[], previous: TableSchema | undefined): number[] {
  let next = Number.POSITIVE_INFINITY;
  return message.columns
    .toReversed()
    .map(({ name }, i) => {
      const before = previous?.columns.find((column) => column.name === name)?.attnum ?? 0;
      const attnum = [attnums.at(-1 - i) as number, before].find((each) => each < next) ?? 0;
      if (attnum > 0) next = attnum;
      return attnum;
    })
    .toReversed();
}

/**
 * Under identity FULL every column is flagged (F21) and under NOTHING none: there the primary key is the catalog's to tell. Otherwise
 * the flags hold, in the catalog's order where it knows the same columns.
 */
function findKey(message: RelationMessage, key: readonly number[], attnums: readonly number[]): number[] {
  const told = key.map((attnum) => attnums.indexOf(attnum));
  const isWhole = told.every((i) => i >= 0);
  if (message.identity === 'f' || message.identity === 'n') return isWhole ? told : [];
  const flagged = message.columns.flatMap(({ isKey }, i) => (isKey ? [i] : []));
  return isWhole && told.length === flagged.length && told.every((i) => flagged.includes(i)) ? told : flagged;
}
