import { quoteLiteral } from '../../src/postgres/identifier.ts';
import type { SqlValue, TypeCase } from './type-case.ts';

/** The tables of one type: by number, as key, and without key. Row `n % 1000` of any of them tells of value `n % 1000`. */
export interface TypeTables {
  readonly kind: TypeCase;
  readonly values: readonly SqlValue[];
  /** Numbered rows with the value and, where they are tested, two arrays of it. */
  readonly plain: string;
  /** The value is the key; undefined where the type can be none. */
  keyed: string | undefined;
  /** No key, identity FULL, every value twice; undefined for large values. */
  readonly keyless: string | undefined;
}

/** What a row of the numbered table has been through, by its number's thousands. */
const WAYS = ['snapshot', 'insert', 'update', 'to null', 'untouched', 'delete', 're-key', 're-key'];
/** From here on: enough rows for COPY and staging tables. */
const BULK = 100_000;
const BULK_ROWS = 250;

/** Names the tables of type number `i`, with the values that this server knows. */
export function tablesOf(kind: TypeCase, i: number, server: number): TypeTables {
  const values = kind.values
    .map((value) => (typeof value === 'string' ? { label: value, sql: quoteLiteral(value).trim() } : value))
    .filter(({ since = 0 }) => since <= server);
  const isLarge = kind.large === true;
  return {
    kind,
    values,
    plain: `types.v${i}`,
    keyed: isLarge || kind.key === false ? undefined : `types.k${i}`,
    keyless: isLarge ? undefined : `types.f${i}`,
  };
}

/** How the report calls the way of the row with this number in the numbered table. */
export function wayOf(id: number): string {
  return id >= BULK ? 'bulk' : (WAYS[Math.floor(id / 1000)] as string);
}

/** Creates the numbered table and the one without key, with the rows that the first copy is to find. */
export function setupSql(tables: TypeTables): string {
  const { kind, plain, keyless } = tables;
  const hasArrays = kind.arrays !== false;
  const required = kind.required ? ' not null' : '';
  const arrays = hasArrays ? `, a ${kind.type}[], m ${kind.type}[]` : '';

  const statements = [
    `create table ${plain} (id int primary key, n int, v ${kind.type}${required}${arrays})`,
    `${valuesOf(tables)} insert into ${plain} select 1000 * w + j, 0, v${arraysOf(kind)} from vals, unnest(array[0, 3, 4, 5, 6]) w`,
    kind.required
      ? `${valuesOf(tables)} insert into ${plain} select 2000 + j, 0, (select v from vals order by j desc limit 1)${hasArrays ? ', null, null' : ''} from vals`
      : `${valuesOf(tables)} insert into ${plain} select 2000 + j from vals`,
  ];
  if (keyless !== undefined) {
    statements.push(
      `create table ${keyless} (n int, v ${kind.type})`,
      `alter table ${keyless} replica identity full`,
      `${valuesOf(tables)} insert into ${keyless} select j, v from vals, generate_series(1, 2)`,
    );
  }
  return statements.join(';\n');
}

/** Creates the table whose key the value is; of values that are equal as keys the first one is there. */
export function keyedSql(tables: TypeTables): string {
  const { kind, keyed } = tables;
  return `create table ${keyed} (v ${kind.type} primary key, n int);
    ${valuesOf(tables)} insert into ${keyed} select v, j from vals order by j on conflict do nothing`;
}

/** What happens while the stream is read, step by step; the replica is compared after each. */
export function streamSql(tables: TypeTables): readonly (readonly string[])[] {
  const { kind, plain, keyless } = tables;
  const hasArrays = kind.arrays !== false;
  const columns = hasArrays ? '(v, a, m) = (s.v, s.a, s.m)' : 'v = s.v';
  const cleared = kind.required ? 'n = 3' : hasArrays ? 'v = null, a = null, m = null' : 'v = null';
  const first = [
    `${valuesOf(tables)} insert into ${plain} select 1000 + j, 0, v${arraysOf(kind)} from vals`,
    `update ${plain} t set ${columns} from ${plain} s where t.id / 1000 = 2 and s.id = t.id - 2000`,
    `update ${plain} set ${cleared} where id / 1000 = 3`,
    `update ${plain} set n = 1 where id / 1000 = 4`,
    `delete from ${plain} where id / 1000 = 5`,
    `update ${plain} set id = id + 1000 where id / 1000 = 6`,
  ];
  const second: string[] = [];
  const third: string[] = [];
  if (keyless !== undefined) {
    const copies = Math.ceil(BULK_ROWS / tables.values.length);
    first.push(
      `${valuesOf(tables)} insert into ${plain} select ${BULK} + 1000 * k + j, 0, v${arraysOf(kind)} from vals, generate_series(0, ${copies - 1}) k`,
      `${valuesOf(tables)} insert into ${keyless} select 1000 + j, v from vals`,
      `delete from ${keyless} where ctid in (select min(ctid) from ${keyless} where n < 1000 group by n)`,
    );
    second.push(
      `update ${plain} set n = n + 1, v = v where id >= ${BULK}`,
      `update ${keyless} set n = n + 2000 where n < 1000`,
      ...(kind.required ? [] : [`update ${keyless} set v = null where n between 1000 and 1999`]),
    );
    third.push(
      `delete from ${plain} where id >= ${BULK} and id / 1000 % 2 = 1`,
      `delete from ${keyless} where n >= 2000`,
    );
  }
  return [first, second, third];
}

/** The same for the keyed table: every key is updated, deleted, inserted, changed into another one, and deleted at last. */
export function keyedStreamSql(tables: TypeTables): readonly (readonly string[])[] {
  const { keyed, values } = tables;
  if (keyed === undefined) return [[], [], []];
  const shift = `do $$ declare old record; free record; begin
    for old in select v, n, ctid from ${keyed} order by n loop
      if free is not null then update ${keyed} set v = free.v where ctid = old.ctid; end if;
      if free is null then delete from ${keyed} where ctid = old.ctid; end if;
      free := old;
    end loop; end $$`;
  return [
    [`update ${keyed} set n = n + 1000`],
    [
      `delete from ${keyed}`,
      `${valuesOf(tables)} insert into ${keyed} select v, 2000 + j from vals order by j on conflict do nothing`,
    ],
    values.length > 1 ? [shift] : [`delete from ${keyed}`],
  ];
}

function valuesOf({ kind, values }: TypeTables): string {
  const rows = values.map((value, j) => `(${j}, (${value.sql})::${kind.type})`);
  return `with vals (j, v) as (values ${rows.join(', ')})`;
}

function arraysOf({ type, arrays }: TypeCase): string {
  return arrays === false ? '' : `, array[v, null, v]::${type}[], array_fill(v, array[2, 1], array[-1, 3])::${type}[]`;
}
