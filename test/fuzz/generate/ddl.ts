import { quoteIdentifier } from '../../../src/postgres/identifier.ts';
import type { Random } from '../../../src/torture/random.ts';
import { freshName } from './names.ts';
import { type ColumnModel, nameOf, type TableModel } from './table-model.ts';
import { generateTable, SCHEMAS, uniqueName } from './tables.ts';
import { literal } from './type-spec.ts';
import { TYPES, typeNamed } from './types.ts';

type Change = (table: TableModel, random: Random) => string | undefined;

const CHANGES: readonly Change[] = [
  addColumn,
  addColumn,
  addColumn,
  dropColumn,
  dropColumn,
  renameColumn,
  renameColumn,
  retype,
  retype,
  renameTable,
  identity,
  required,
  setDefault,
  index,
];

/** A change of one table that the product follows, and the model with it; undefined when the table has nothing to change in this way. */
export function generateChange(table: TableModel, random: Random): string | undefined {
  return random.pick(CHANGES)(table, random);
}

/** A new table in the middle of everything. */
export function generateNewTable(tables: TableModel[], random: Random): readonly string[] {
  const taken = new Set(tables.map(({ name }) => name));
  const { table, statements } = generateTable(SCHEMAS[0] as string, freshName('late', taken, random), false, random);
  tables.push(table);
  return statements;
}

function addColumn(table: TableModel, random: Random): string {
  const name = freshName('a', new Set(table.columns.map((column) => column.name)), random);
  const type = random.pick(TYPES);
  const text = random.chance(0.5) ? random.pick(type.values) : undefined;
  const isRequired = text !== undefined && random.chance(0.5);
  const clauses = `${text === undefined ? '' : `default ${literal(type, text)}`}${isRequired ? ' not null' : ''}`;
  table.columns.push({ name, type, isRequired, isGiven: false, clauses });
  return `alter table ${nameOf(table)} add column ${quoteIdentifier(name)} ${type.sql} ${clauses}`.trim();
}

function free(table: TableModel): ColumnModel[] {
  return table.columns.filter(({ name, isGiven }) => !table.held.has(name) && !isGiven);
}

function dropColumn(table: TableModel, random: Random): string | undefined {
  const candidates = free(table);
  if (candidates.length === 0 || table.columns.length < 2) return undefined;
  const column = random.pick(candidates);
  table.columns = table.columns.filter((other) => other !== column);
  return `alter table ${nameOf(table)} drop column ${quoteIdentifier(column.name)}`;
}

function renameColumn(table: TableModel, random: Random): string | undefined {
  const candidates = free(table);
  if (candidates.length === 0) return undefined;
  const column = random.pick(candidates);
  const old = column.name;
  column.name = freshName('r', new Set(table.columns.map(({ name }) => name)), random);
  return `alter table ${nameOf(table)} rename column ${quoteIdentifier(old)} to ${quoteIdentifier(column.name)}`;
}

function retype(table: TableModel, random: Random): string | undefined {
  const candidates = free(table).filter(({ type }) => type.widens !== undefined);
  if (candidates.length === 0) return undefined;
  const column = random.pick(candidates);
  const to = random.pick(column.type.widens as readonly string[]);
  column.type = typeNamed(to);
  const quoted = quoteIdentifier(column.name);
  return `alter table ${nameOf(table)} alter column ${quoted} drop default, alter column ${quoted} type ${to} using ${quoted}::text::${to}`;
}

function renameTable(table: TableModel, random: Random): string {
  const old = nameOf(table);
  table.name = freshName('renamed', new Set([table.name]), random);
  return `alter table ${old} rename to ${quoteIdentifier(table.name)}`;
}

function identity(table: TableModel, random: Random): string {
  const kinds = ['full', 'full', 'full', 'default', 'default', 'nothing'];
  if (table.unique !== undefined) kinds.push(`using index ${uniqueName(table)}`);
  return `alter table ${nameOf(table)} replica identity ${random.pick(kinds)}`;
}

function required(table: TableModel, random: Random): string | undefined {
  const candidates = free(table);
  if (candidates.length === 0) return undefined;
  const column = random.pick(candidates);
  column.isRequired = !column.isRequired;
  return `alter table ${nameOf(table)} alter column ${quoteIdentifier(column.name)} ${column.isRequired ? 'set' : 'drop'} not null`;
}

function setDefault(table: TableModel, random: Random): string | undefined {
  const candidates = free(table);
  if (candidates.length === 0) return undefined;
  const { name, type } = random.pick(candidates);
  const action = random.chance(0.7) ? `set default ${literal(type, random.pick(type.values))}` : 'drop default';
  return `alter table ${nameOf(table)} alter column ${quoteIdentifier(name)} ${action}`;
}

function index(table: TableModel, random: Random): string | undefined {
  const candidates = table.columns.filter(({ type, isGiven }) => type.nth !== undefined && !isGiven);
  if (candidates.length === 0) return undefined;
  return `create index on ${nameOf(table)} (${quoteIdentifier(random.pick(candidates).name)})`;
}
