import { quoteIdentifier } from '../../../src/postgres/identifier.ts';
import type { Random } from '../../../src/torture/random.ts';
import type { Step } from '../scenario.ts';
import { type ColumnModel, keyColumns, list, nameOf, type TableModel, writable } from './table-model.ts';
import { keyText, literal } from './type-spec.ts';

/** A statement that changes rows; the weights are those of a busy application with bad habits. */
export function generateDml(tables: readonly TableModel[], random: Random): Pick<Step & { kind: 'sql' }, 'sql'> {
  const table = random.pick(tables);
  const kinds = [insert, insert, insert, upsert, update, update, update, updateKey, updateKey, shift, remove, replace];
  if (table.unique !== undefined) kinds.push(swapUnique, swapUnique);
  return { sql: random.chance(0.03) ? truncate(tables, random) : random.pick(kinds)(table, random) };
}

/** A value of any kind for the column: keys meet, others are edge cases, some are long enough to be stored aside. */
function value(table: TableModel, column: ColumnModel, random: Random): string {
  return literal(column.type, valueText(table, column, random));
}

function valueText(table: TableModel, column: ColumnModel, random: Random): string | undefined {
  const { type } = column;
  if (table.key.includes(column.name) || column.name.startsWith('fk ')) {
    return !column.isRequired && random.chance(0.3) ? undefined : keyText(type, random);
  }
  if (!column.isRequired && random.chance(0.15)) return undefined;
  if (type.nth !== undefined && random.chance(0.3)) return keyText(type, random);
  if (random.chance(0.3)) return long(type.sql, random) ?? random.pick(type.values);
  return random.pick(type.values);
}

/** Longer than a page holds, so that it is stored aside. */
function long(type: string, random: Random): string | undefined {
  const letter = random.pick(['x', 'y', 'ü', '\\\\']);
  if (type === 'text' || type === 'character varying') return letter.repeat(random.between(2500, 9000));
  if (type === 'bytea') return `\\x${random.pick(['00', 'ff', '5c'])}${'ab'.repeat(random.between(2500, 6000))}`;
  if (type === 'json' || type === 'jsonb') return `{"k": "${letter.repeat(4000)}"}`;
  return undefined;
}

/** A part of the writable columns: all required ones without a default, and some more. */
function someColumns(table: TableModel, random: Random): ColumnModel[] {
  const all = writable(table);
  if (random.chance(0.6)) return all;
  return all.filter(
    ({ isRequired, clauses }) => (isRequired && clauses.trim() === 'not null') || isRequired || random.chance(0.6),
  );
}

function insert(table: TableModel, random: Random): string {
  const columns = someColumns(table, random);
  if (columns.length === 0) return `insert into ${nameOf(table)} default values`;
  const count = random.pick([1, 1, 1, 2, 3, 8]);
  const rows = Array.from(
    { length: count },
    () => `(${columns.map((column) => value(table, column, random)).join(', ')})`,
  );
  const conflict = count > 1 && random.chance(0.8) ? ' on conflict do nothing' : '';
  return `insert into ${nameOf(table)} (${list(columns)}) values ${rows.join(', ')}${conflict}`;
}

function upsert(table: TableModel, random: Random): string {
  const columns = writable(table);
  const others = columns.filter(({ name }) => !table.key.includes(name));
  if (table.key.length === 0 || others.length === 0) return insert(table, random);
  const set = random.pick(others);
  const quoted = quoteIdentifier(set.name);
  return `insert into ${nameOf(table)} (${list(columns)}) values (${columns.map((c) => value(table, c, random)).join(', ')}) on conflict (${list(keyColumns(table))}) do update set ${quoted} = excluded.${quoted}`;
}

/** Rows by their place in an order that does not depend on where they lie. */
function someRows(table: TableModel, random: Random): string {
  const keys = keyColumns(table);
  if (keys.length > 0 && random.chance(0.5)) {
    const [first] = keys as [ColumnModel];
    return `${quoteIdentifier(first.name)} = ${value(table, first, random)}`;
  }
  if (random.chance(0.15)) return 'true';
  const name = nameOf(table);
  return `(tableoid, ctid) in (select tableoid, ctid from ${name} o order by o::text collate "C" limit ${random.pick([1, 1, 2, 5])} offset ${random.below(8)})`;
}

function update(table: TableModel, random: Random): string {
  const others = writable(table).filter(({ name }) => !table.key.includes(name));
  if (others.length === 0) return updateKey(table, random);
  const set = random.chance(0.5) ? [random.pick(others)] : others.filter(() => random.chance(0.4));
  const sets = (set.length > 0 ? set : [others[0] as ColumnModel]).map((column) => {
    return `${quoteIdentifier(column.name)} = ${random.chance(0.1) ? quoteIdentifier(column.name) : value(table, column, random)}`;
  });
  return `update ${nameOf(table)} set ${sets.join(', ')} where ${someRows(table, random)}`;
}

function updateKey(table: TableModel, random: Random): string {
  const keys = keyColumns(table);
  if (keys.length === 0) return remove(table, random);
  const column = random.pick(keys);
  const quoted = quoteIdentifier(column.name);
  if (keys.length > 1 || random.chance(0.5)) {
    return `update ${nameOf(table)} set ${quoted} = ${value(table, column, random)} where ${someRows(table, random)}`;
  }
  const [a, b] = [value(table, column, random), value(table, column, random)];
  return `update ${nameOf(table)} set ${quoted} = case when ${quoted} = ${a} then ${b} else ${a} end where ${quoted} in (${a}, ${b})`;
}

/** Rows exchange their unique values; what is checked at once objects, unless the rows come in a lucky order. */
function swapUnique(table: TableModel, random: Random): string {
  const column = table.columns.find(({ name }) => name === table.unique);
  if (column === undefined) return update(table, random);
  const quoted = quoteIdentifier(column.name);
  const [a, b] = [keyText(column.type, random), keyText(column.type, random)].map((text) => literal(column.type, text));
  return `update ${nameOf(table)} set ${quoted} = case when ${quoted} = ${a} then ${b} else ${a} end where ${quoted} in (${a}, ${b})`;
}

/** Every row's key moves on: `id = id + 1`. */
function shift(table: TableModel, random: Random): string {
  const numbers = keyColumns(table).filter(({ type }) => /^(smallint|integer|bigint|numeric|posint)/.test(type.sql));
  if (numbers.length === 0) return update(table, random);
  const quoted = quoteIdentifier(random.pick(numbers).name);
  return `update ${nameOf(table)} set ${quoted} = ${quoted} ${random.pick(['+ 1', '- 1', '+ 100', '* -1'])}`;
}

function remove(table: TableModel, random: Random): string {
  return `delete from ${nameOf(table)} where ${random.chance(0.05) ? 'true' : someRows(table, random)}`;
}

/** A row goes and comes back in one statement or transaction. */
function replace(table: TableModel, random: Random): string {
  const columns = list(writable(table));
  if (columns === '' || random.chance(0.3)) return remove(table, random);
  return `with gone as (delete from ${nameOf(table)} where ${someRows(table, random)} returning ${columns}) insert into ${nameOf(table)} (${columns}) select ${columns} from gone`;
}

function truncate(tables: readonly TableModel[], random: Random): string {
  const some = tables.filter(() => random.chance(0.4));
  const names = (some.length > 0 ? some : [random.pick(tables)]).map(nameOf);
  return `truncate ${names.join(', ')}${random.chance(0.3) ? ' restart identity' : ''}${random.chance(0.5) ? ' cascade' : ''}`;
}

/** Many rows at once; keys come from a number each, where one column can carry it. */
export function generateBulk(table: TableModel, random: Random): string {
  const columns = writable(table);
  const rows = random.pick([50, 300, 2000]);
  const cells = columns.map((column) => {
    if (!table.key.includes(column.name)) return value(table, column, random);
    if (/^(smallint|integer|bigint|numeric$|posint)/.test(column.type.sql)) return `g::${column.type.sql}`;
    if (/^(text|character varying|citext|short_text|name)/.test(column.type.sql))
      return `('b' || g)::${column.type.sql}`;
    return value(table, column, random);
  });
  const from = `generate_series(1, ${rows}) g`;
  return `insert into ${nameOf(table)} (${list(columns)}) select ${cells.join(', ')} from ${from} on conflict do nothing`;
}

/** COPY FROM STDIN of a few rows. */
export function generateCopy(table: TableModel, random: Random): { sql: string; data: string } {
  const columns = writable(table);
  const rows = Array.from({ length: random.between(1, 6) }, () =>
    columns.map((column) => escaped(valueText(table, column, random))).join('\t'),
  );
  return { sql: `copy ${nameOf(table)} (${list(columns)}) from stdin`, data: rows.map((row) => `${row}\n`).join('') };
}

function escaped(text: string | undefined): string {
  if (text === undefined) return '\\N';
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
