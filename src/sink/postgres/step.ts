import type { ByteWriter } from '../../change/byte-writer.ts';
import { NULL } from '../../change/batch.ts';
import type { RowSet } from './row-set.ts';
import { writeLiteral, writeSql, writeValues } from './sql-text.ts';
import type { TargetColumn, TargetTable } from './target-table.ts';

/** One set-based operation on one table. */
export interface Step {
  readonly kind: 'insert' | 'upsert' | 'update' | 'rekey' | 'delete' | 'delete-one' | 'update-one' | 'detach';
  readonly table: TargetTable;
  /** Key columns have the aliases `c<ordinal>` (`o<n>`: the old key of a key change; the old row of a table without key). */
  readonly set: RowSet;
  /** Ordinals of the columns that an update sets. */
  readonly sets: readonly number[];
  /** How many rows it must affect; undefined when the target may have more or fewer. */
  readonly expected: number | undefined;
  /**
   * While a table is copied: a key change leaves a row alone whose new key another row has, and a delete of the old key one whose
   * new key is equal (1.0 and 1.00 are different texts of one number).
   */
  readonly isGuarded?: boolean;
  /** Where a detached row goes. */
  readonly into?: string;
}

/** Kinds that address one row by all its values: they have no set form. */
export function isSingle(step: Step): boolean {
  return step.kind === 'delete-one' || step.kind === 'update-one';
}

/** Rows without a value to write (a table without columns): neither VALUES nor COPY has a form for them. */
export function hasNoCells(step: Step): boolean {
  return step.set.columns.length === 0;
}

/** Appends the step as one statement whose rows are literals. */
export function writeLiteralStep(out: ByteWriter, step: Step): void {
  writeStatement(out, step);
  writeSql(out, ';');
}

/** The same, but the statement fails by itself when it affects another number of rows than is expected. */
export function writeCheckedStep(out: ByteWriter, step: Step): void {
  if (step.expected === undefined) return writeLiteralStep(out, step);
  writeSql(out, /* sql */ 'with changed as (');
  writeStatement(out, step);
  writeSql(out, /* sql */ ` returning 1) ${assertCount('changed', step.expected)};`);
}

/** A query that fails (22P02) unless the common table expression has so many rows; planning it must not decide it. */
export function assertCount(name: string, expected: number): string {
  return /* sql */ `select case count(*) when ${expected} then 0 else ('Rowcast expected ${expected} rows, not ' || count(*))::int end from ${name}`;
}

function writeStatement(out: ByteWriter, step: Step): void {
  if (isSingle(step)) return writeSingle(out, step);
  const { set } = step;
  if (hasNoCells(step)) {
    const rows = /* sql */ `select from pg_catalog.generate_series(1, ${set.rows.length})`;
    return writeSql(out, /* sql */ `insert into ${step.table.name} ${rows}`);
  }
  writeSql(out, head(step));
  if (step.kind === 'insert' || step.kind === 'upsert') {
    writeSql(out, ' values ');
    writeValues(out, set, false);
  } else {
    writeSql(out, ' (values ');
    writeValues(out, set, true);
    writeSql(out, `) as s(${set.columns.map((column) => column.alias).join(', ')})`);
  }
  writeSql(out, tail(step));
}

/** The step as a statement whose rows stand in a staging table (not for kinds that are single). */
export function stagedSql(step: Step, stage: string): string {
  const isInsert = step.kind === 'insert' || step.kind === 'upsert';
  const columns = step.set.columns.map((column) => column.alias).join(', ');
  return `${head(step)} ${isInsert ? `select ${columns} from ` : ''}${stage} as s${tail(step)};`;
}

/** The COPY that brings an insert's rows straight into the table. */
export function copySql(step: Step): string {
  return /* sql */ `copy ${step.table.name} (${insertColumns(step)}) from stdin`;
}

function head(step: Step): string {
  const { table } = step;
  switch (step.kind) {
    case 'insert':
    case 'upsert':
      return /* sql */ `insert into ${table.name} (${insertColumns(step)}) overriding system value`;
    case 'update':
    case 'rekey':
      return /* sql */ `update ${table.alone} as t set ${assignments(step, 's.c')} from`;
    case 'delete':
      return /* sql */ `delete from ${table.alone} as t using`;
    case 'detach':
      return /* sql */ `with gone as (delete from ${table.alone} as t using`;
    case 'delete-one':
    case 'update-one':
      throw new Error('A single step has no set form');
    default:
      return step.kind satisfies never;
  }
}

function tail(step: Step): string {
  const { table } = step;
  if (step.kind === 'insert') return '';
  if (step.kind === 'upsert') {
    const key = table.schema.key.map((ordinal) => column(table, ordinal).quoted).join(', ');
    const action = step.sets.length === 0 ? 'nothing' : `update set ${excluded(step)}`;
    return /* sql */ ` on conflict (${key}) do ${action}`;
  }
  const byOldKey = step.kind === 'rekey' || step.isGuarded;
  const where = table.schema.key.map((ordinal, n) => {
    const { quoted, equals } = column(table, ordinal);
    return `t.${quoted} ${equals} s.${byOldKey ? `o${n}` : `c${ordinal}`}`;
  });
  if (step.isGuarded) where.push(guard(step));
  const condition = ` where ${where.join(' and ')}`;
  if (step.kind !== 'detach') return condition;
  const columns = table.writable.join(', ');
  const returned = table.writable.map((name) => `t.${name}`).join(', ');
  return /* sql */ `${condition} returning ${returned})
    insert into ${step.into} (${columns}) overriding system value select ${columns} from gone`;
}

function guard({ kind, table }: Step): string {
  const { key } = table.schema;
  const isSame = /* sql */ `(${key.map((ordinal, n) => `s.o${n} ${column(table, ordinal).equals} s.c${ordinal}`).join(' and ')})`;
  if (kind === 'delete') return /* sql */ `not ${isSame}`;
  const taken = key.map((ordinal) => {
    const { quoted, equals } = column(table, ordinal);
    return `n.${quoted} ${equals} s.c${ordinal}`;
  });
  return /* sql */ `(${isSame} or not exists (select from ${table.alone} as n where ${taken.join(' and ')}))`;
}

function insertColumns(step: Step): string {
  return step.set.columns.map(({ ordinal }) => column(step.table, ordinal).quoted).join(', ');
}

function assignments(step: Step, prefix: string): string {
  return step.sets.map((ordinal) => `${column(step.table, ordinal).quoted} = ${prefix}${ordinal}`).join(', ');
}

function excluded(step: Step): string {
  return step.sets
    .map((ordinal) => column(step.table, ordinal).quoted)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ');
}

function column(table: TargetTable, ordinal: number): TargetColumn {
  return table.columns[ordinal] as TargetColumn;
}

/**
 * One row of a table without key: found by what its values look like, which works for types that have no equality (json, xml,
 * point) and for every output function that a cast to text would bypass (boolean, char(n), inet).
 */
function writeSingle(out: ByteWriter, step: Step): void {
  const { table, set } = step;
  const row = set.rows[0] as number;
  writeSql(
    out,
    /* sql */ `with one as materialized (select t.tableoid as o, t.ctid as c from ${table.alone} as t where true`,
  );
  for (const ordinal of table.probe ?? []) {
    const { quoted, equals, type } = column(table, ordinal);
    writeSql(out, ` and t.${quoted} ${equals} `);
    writeLiteral(out, set, row, ordinal);
    writeSql(out, `::${type}`);
  }
  for (const { alias, ordinal, type } of set.columns) {
    if (!alias.startsWith('o')) continue;
    const name = `t.${column(table, ordinal).quoted}`;
    const isNull = set.cells.end(row, ordinal) === NULL;
    // "is null" is also true of a composite value whose fields are all null.
    writeSql(out, ` and num_nulls(${name}) = ${isNull ? 1 : 0}`);
    if (isNull) continue;
    writeSql(out, ` and format('%s', ${name}) = format('%s', `);
    writeLiteral(out, set, row, ordinal);
    writeSql(out, `::${type})`);
  }
  writeSql(out, ' limit 1) ');
  if (step.kind === 'delete-one') writeSql(out, /* sql */ `delete from ${table.alone} as t using one`);
  else {
    writeSql(out, /* sql */ `update ${table.alone} as t set `);
    for (const [n, ordinal] of step.sets.entries()) {
      writeSql(out, `${n === 0 ? '' : ', '}${column(table, ordinal).quoted} = `);
      writeLiteral(out, set, row, table.columns.length + ordinal);
    }
    writeSql(out, ' from one');
  }
  writeSql(out, /* sql */ ' where t.tableoid = one.o and t.ctid = one.c');
}
