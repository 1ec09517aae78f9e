import type { ColumnType } from '../../change/table-schema.ts';

/** A type as values see it: a domain is what it is based on. */
interface Effective {
  readonly name: string;
  readonly modifier: number;
}

const INTEGERS = ['pg_catalog.int2', 'pg_catalog.int4', 'pg_catalog.int8'];
const STRINGS = new Set(['pg_catalog.text', 'pg_catalog.varchar']);
/** Types whose modifier only bounds values: a larger one, or none, changes none of them. */
const BOUNDED = new Set(
  ['varchar', 'varbit', 'time', 'timetz', 'timestamp', 'timestamptz'].map((t) => `pg_catalog.${t}`),
);
/** Their text depends on settings of the session that changed the type. */
const SESSION_TEXT = /^pg_catalog\._?(?:timestamptz|money)$/;

/**
 * Whether every value keeps its text, so that the replica can change the type by itself. Other changes ran an expression at the
 * source (or a cast that may cut or round) that nothing in the log tells.
 */
export function keepsValues(from: ColumnType, to: ColumnType): boolean {
  if (from.oid === to.oid && from.modifier === to.modifier) return true; // the type has a new name
  const [old, now] = [effective(from), effective(to)];
  if (old.name === now.name) return widens(old, now);
  const size = INTEGERS.indexOf(old.name);
  if (size >= 0 && INTEGERS.indexOf(now.name) > size) return true;
  if (now.modifier !== -1) return false;
  if (size >= 0 && now.name === 'pg_catalog.numeric') return true;
  return STRINGS.has(now.name) && isPlain(from) && !SESSION_TEXT.test(old.name);
}

function effective({ kind, name, modifier, base, baseModifier }: ColumnType): Effective {
  return kind === 'domain' ? { name: base, modifier: baseModifier } : { name, modifier };
}

/** Composite types and ranges may hold anything, also what depends on the session. */
function isPlain({ kind }: ColumnType): boolean {
  return kind === 'base' || kind === 'enum' || kind === 'domain' || kind === 'array';
}

function widens(old: Effective, now: Effective): boolean {
  if (old.modifier === now.modifier) return true;
  if (old.name === 'pg_catalog.numeric') return widensNumeric(old.modifier, now.modifier);
  if (!BOUNDED.has(old.name)) return false;
  return now.modifier === -1 || (old.modifier !== -1 && now.modifier > old.modifier);
}

/** Precision stands in the upper half of the modifier less 4, scale in the lower one. */
function widensNumeric(old: number, now: number): boolean {
  if (now === -1) return true;
  if (old === -1) return false;
  const [a, b] = [old - 4, now - 4];
  return (a & 0xffff) === (b & 0xffff) && b >> 16 > a >> 16;
}
