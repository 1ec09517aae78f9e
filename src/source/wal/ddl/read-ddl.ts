import type { DdlChange, DdlCommand, DdlConstraint, DdlObject, TableState, TypeState } from '../../../change/ddl.ts';
import { OperatorError } from '../../../errors.ts';
import { type RawRelation, toFacts } from '../../../postgres/catalog.ts';
import type { CaptureFilter } from '../filter.ts';
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
    readonly condition: string | null;
    readonly default: boolean;
  } | null;
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

type RawObject = RawTable | Exclude<DdlObject, TableState>;

interface RawBody {
  readonly format: number;
  readonly actor: string;
  readonly session: Readonly<Record<string, string>>;
  readonly changes: readonly {
    readonly before: RawObject | null;
    readonly after: RawObject | null;
    readonly hasRows: boolean;
    readonly isRewritten: boolean;
  }[];
}

/** Reads a row of `rowcast.ddl`: what it says of captured objects; undefined when nothing is left. Throws OperatorError for another format. */
export function readDdl({ id, tag, command, body }: DdlRow, filter: CaptureFilter): DdlCommand | undefined {
  const raw = JSON.parse(body) as RawBody;
  if (raw.format !== FORMAT) {
    throw new OperatorError(`Row ${id} of rowcast.ddl has format ${raw.format}; this Rowcast reads ${FORMAT}`, {
      advice: 'Start the Rowcast that has installed it.',
    });
  }
  const names = raw.changes.flatMap(({ before, after }) => [before, after].flatMap(nameOf));
  const conversions = command === undefined ? {} : conversionsOf(command, names);
  const changes = raw.changes
    .map(({ before, after, hasRows, isRewritten }): DdlChange => {
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
  if (changes.length === 0) return undefined;
  return { id, tag, session: { ...raw.session, session_user: raw.actor }, changes };
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
  if (state.kind === 'table') return filter.table(state.table.schema, state.table.name);
  return filter.schema(state.kind === 'schema' ? state.name : state.schema);
}

function toObject(raw: RawObject, filter: CaptureFilter): DdlObject {
  return raw.kind === 'table' ? toTable(raw, filter) : raw.kind === 'schema' ? raw : toType(raw);
}

function toType({
  kind,
  oid,
  schema,
  name,
  labels,
  base,
  notNull,
  default: value,
  checks,
  attributes,
}: TypeState): TypeState {
  return {
    kind,
    oid,
    schema,
    name,
    ...(labels && { labels }),
    ...(base !== undefined && { base, notNull: notNull === true, default: value ?? null, checks: checks ?? [] }),
    ...(attributes && { attributes }),
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
        condition: partition.condition,
        isDefault: partition.default,
      },
    }),
    constraints: raw.constraints.filter(stands).map(toConstraint),
    indexes: raw.indexes.filter(stands),
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
