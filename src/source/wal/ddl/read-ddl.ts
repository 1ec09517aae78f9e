import {
  type DdlChange,
  type DdlCommand,
  type DdlConstraint,
  type DdlName,
  type DdlObject,
  isType,
  type SequenceDdl,
  type TableState,
  type TypeState,
  type ViewState,
} from '../../../change/ddl.ts';
import { OperatorError } from '../../../errors.ts';
import { type RawRelation, toFacts } from '../../../postgres/catalog.ts';
import type { CaptureFilter } from '../../capture/filter.ts';
import { conversionsOf } from './conversions.ts';
import type { DdlRow } from './ddl-row.ts';

/** The shape of `rowcast.ddl.body` that this Rowcast reads and installs. */
const FORMAT = 1;

interface RawTable {
  readonly kind: 'table';
  readonly oid: number;
  readonly unlogged: boolean;
  readonly facts: RawRelation;
  readonly partition: {
    readonly schema: string;
    readonly name: string;
    readonly above: DdlName;
    readonly bound: string;
    readonly condition: string | null;
    readonly default: boolean;
  } | null;
  readonly partitionKey: string | null;
  readonly options: readonly string[] | null;
  readonly comment: string | null;
  readonly comments: Readonly<Record<string, string>>;
  readonly identityIndex: string | null;
  readonly constraints: readonly RawConstraint[];
  readonly indexes: readonly { readonly oid: number; readonly name: string; readonly definition: string }[];
}

interface RawConstraint {
  readonly oid: number;
  readonly name: string;
  readonly type: DdlConstraint['type'];
  readonly definition: string;
  readonly valid: boolean;
  readonly schema: string | null;
  readonly table: string | null;
}

type RawView = Omit<ViewState, 'options'> & { readonly options: readonly string[] | null };

type RawObject = RawTable | RawView | Exclude<DdlObject, TableState | ViewState>;

interface RawBody {
  readonly format: number;
  readonly actor: string;
  readonly session: Readonly<Record<string, string>>;
  readonly changes: readonly {
    readonly before: RawObject | null;
    readonly after: RawObject | null;
    readonly hasRows: boolean;
    readonly isRewritten: boolean;
    /** A partition that was detached is published under its own name from here on. */
    readonly isKept: boolean | null;
  }[];
  /** The first object of a statement that is not followed. */
  readonly passed: string | null;
}

/** What a row says. */
export interface DdlRead {
  /** Undefined when it says nothing of what is captured. */
  readonly ddl: DdlCommand | undefined;
  /** The object of a statement of a kind that nobody follows. */
  readonly passed: string | undefined;
}

/** Reads a row of `rowcast.ddl`: what it says of captured objects. Throws OperatorError for another format. */
export function readDdl({ id, tag, at, command, body }: DdlRow, filter: CaptureFilter): DdlRead {
  const raw = JSON.parse(body) as RawBody;
  if (raw.format !== FORMAT) {
    throw new OperatorError(`Row ${id} of rowcast.ddl has format ${raw.format}; this Rowcast reads ${FORMAT}`, {
      advice: 'Start the Rowcast that has installed it.',
    });
  }
  const names = raw.changes.flatMap(({ before, after }) => [before, after].flatMap(nameOf));
  const conversions = command === undefined ? {} : conversionsOf(command, names);
  const changes = raw.changes
    .filter(({ before, after }) => !isOthers(after ?? before, filter))
    .map(({ before, after: now, hasRows, isRewritten, isKept }): DdlChange => {
      const after = isLost(before, now, isKept === true, filter) ? null : now;
      const converted = convertedColumns(before, after, isRewritten, conversions);
      const shown = converted.filter(({ name }) => isShown(after, name, filter));
      const known = shown.filter(({ oldName }) => Object.hasOwn(conversions, oldName));
      return {
        ...(before && { before: toObject(before, filter) }),
        ...(after && { after: toObject(after, filter) }),
        ...(hasRows && { hasRows }),
        // A rewrite that only columns explain which are not captured is nobody's business.
        ...(isRewritten && (converted.length === 0 || shown.length > 0) && { isRewritten }),
        ...(known.length > 0 && {
          conversions: Object.fromEntries(
            known.map(({ name, oldName }) => [name, conversions[oldName] as string | null]),
          ),
        }),
      };
    })
    .filter((change) => isCaptured(change, filter));
  const ddl = {
    id,
    tag,
    ...(at !== undefined && { at }),
    session: { ...raw.session, session_user: raw.actor },
    changes,
  };
  return { ddl: changes.length === 0 ? undefined : ddl, passed: raw.passed ?? undefined };
}

/** Columns whose values may have changed: they have a new type, or an expression for the old one in a table that was rewritten. */
function convertedColumns(
  before: RawObject | null,
  after: RawObject | null,
  isRewritten: boolean,
  conversions: Readonly<Record<string, string | null>>,
): { name: string; oldName: string }[] {
  if (before?.kind !== 'table' || after?.kind !== 'table') return [];
  return after.facts.columns.flatMap(({ name, attnum, declared }) => {
    const old = before.facts.columns.find((column) => column.attnum === attnum);
    if (old === undefined) return [];
    const isConverted = old.declared !== declared || (isRewritten && typeof conversions[old.name] === 'string');
    return isConverted ? [{ name, oldName: old.name }] : [];
  });
}

function isShown(after: RawObject | null, column: string, filter: CaptureFilter): boolean {
  return after?.kind === 'table' && toTable(after, filter).table.columns.some(({ name }) => name === column);
}

function nameOf(object: RawObject | null): { schema: string; name: string }[] {
  return object?.kind === 'table' ? [object.facts] : [];
}

/** A table that came into the lists by a new name stays out: nobody has copied its rows. */
function isCaptured({ before, after }: DdlChange, filter: CaptureFilter): boolean {
  const state = (before ?? after) as DdlObject;
  if (state.kind === 'table') {
    return (
      isInCaptured(before, filter) || isInCaptured(after, filter) || filter.table(state.table.schema, state.table.name)
    );
  }
  if (state.kind === 'view') return filter.table(state.schema, state.name);
  return filter.schema(state.kind === 'schema' ? state.name : state.schema);
}

/** Rows of a partition are its root's, whatever the lists say of its own name. */
function isInCaptured(state: DdlObject | undefined, filter: CaptureFilter): boolean {
  if (state?.kind !== 'table' || state.partition === undefined) return false;
  return filter.table(state.partition.schema, state.partition.name);
}

/** Nobody hears of the rows of a detached partition any more. */
function isLost(before: RawObject | null, after: RawObject | null, isKept: boolean, filter: CaptureFilter): boolean {
  if (before?.kind !== 'table' || after?.kind !== 'table') return false;
  if (before.partition === null || after.partition !== null) return false;
  return !isKept || !filter.table(after.facts.schema, after.facts.name);
}

function toObject(raw: RawObject, filter: CaptureFilter): DdlObject {
  if (raw.kind === 'table') return toTable(raw, filter);
  if (raw.kind === 'view') return { ...raw, options: raw.options ?? [] };
  if (raw.kind === 'sequence') return toSequence(raw, filter);
  return isType(raw) ? toType(raw) : raw;
}

function toSequence(raw: SequenceDdl, filter: CaptureFilter): SequenceDdl {
  return { ...raw, columns: raw.columns.filter((column) => isDrawn(column, filter)) };
}

function isDrawn({ schema, table, column }: SequenceDdl['columns'][number], filter: CaptureFilter): boolean {
  return filter.table(schema, table) && filter.column(schema, table, column);
}

/** A sequence that only columns own that are not captured is nobody's business. */
function isOthers(raw: RawObject | null, filter: CaptureFilter): boolean {
  return raw?.kind === 'sequence' && raw.columns.length > 0 && !raw.columns.some((column) => isDrawn(column, filter));
}

/** Members that a kind of type does not have are null in the JSON of some. */
function toType(raw: TypeState): TypeState {
  const { kind, oid, schema, name, comment, labels, base, attributes, subtype } = raw;
  const of = { kind, oid, schema, name, comment };
  if (labels) return { ...of, labels };
  if (attributes) return { ...of, attributes };
  if (subtype !== undefined) {
    const { multirange, opclass = null, collation = null, functions } = raw;
    return { ...of, subtype, opclass, collation, ...(multirange && { multirange }), ...(functions && { functions }) };
  }
  return {
    ...of,
    base: base ?? '',
    notNull: raw.notNull === true,
    default: raw.default ?? null,
    checks: raw.checks ?? [],
  };
}

/** Without the columns that are not captured, and what stands on them. */
function toTable(raw: RawTable, filter: CaptureFilter): TableState {
  const facts = toFacts(raw.oid, raw.facts);
  const isKept = facts.columns.map(
    ({ name }, i) => facts.key.includes(i) || filter.column(facts.schema, facts.name, name),
  );
  const columns = facts.columns.filter((_, i) => isKept[i]);
  const lost = facts.columns.filter((_, i) => !isKept[i]).map(({ name }) => name);
  const stands = ({ definition }: { readonly definition: string }): boolean =>
    !lost.some((name) => mentions(definition, name));
  const key = facts.key.map((i) => columns.findIndex(({ attnum }) => attnum === facts.columns[i]?.attnum));
  const { partition } = raw;
  return {
    kind: 'table',
    table: { ...facts, columns, key, version: 0, isFollowed: true },
    isUnlogged: raw.unlogged,
    ...(partition && {
      partition: {
        schema: partition.schema,
        name: partition.name,
        above: partition.above,
        bound: partition.bound,
        condition: partition.condition,
        isDefault: partition.default,
      },
    }),
    constraints: raw.constraints.filter(stands).map(toConstraint),
    indexes: raw.indexes.filter(stands),
    ...(raw.partitionKey !== null && { partitionKey: raw.partitionKey }),
    options: raw.options ?? [],
    comment: raw.comment,
    comments: Object.fromEntries(
      columns.flatMap(({ attnum }) => {
        const comment = raw.comments[attnum];
        return comment === undefined ? [] : [[attnum, comment]];
      }),
    ),
    ...(raw.identityIndex !== null && { identityIndex: raw.identityIndex }),
  };
}

function toConstraint({ oid, name, type, definition, valid, schema, table }: RawConstraint): DdlConstraint {
  const references = schema !== null && table !== null ? { references: { schema, name: table } } : {};
  return { oid, name, type, definition, isValid: valid, ...references };
}

function mentions(definition: string, name: string): boolean {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  return definition.includes(quoted) || definition.split(/[^\w$\u0080-\uffff]+/).includes(name);
}
