import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { WireOp } from '../../../src/converter/converter.ts';
import { findRelation, lookUpRelation } from '../../../src/postgres/catalog.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { type Cell, decode, encode, path } from '../fixture.ts';
import { oracle } from './oracle.ts';

let database: Database;

beforeAll(async () => {
  database = await freshDatabase('avro_values');
  await database.query(/* sql */ `
    create type mood as enum ('sad', 'so, so', 'Ünhappy');
    create type pair as (a int, b text);
    create domain positive as int check (value > 0);
    create domain price as numeric(8, 3);
    create domain dear as price not null;
    create domain feeling as mood`);
});

afterAll(async () => await database[Symbol.asyncDispose]());

/** What Postgres itself tells of a table, and its rows as Postgres prints them. */
async function readTable(name: string): Promise<{ version: TableSchema; rows: Cell[][] }> {
  const { client } = database;
  const facts = await lookUpRelation(client, (await findRelation(client, 'public', name)) ?? 0);
  if (facts === undefined) throw new Error(`There is no table ${name}`);
  // format() calls the type's output function, as COPY and pgoutput do; a cast to text may print something else (bool, char).
  const columns = facts.columns.map((column) => `format('%s', "${column.name}")`).join(', ');
  const { rows } = await client.query<Cell[]>({ text: `select ${columns} from "${name}"`, rowMode: 'array' });
  return { version: { ...facts, version: 1, identity: 'full' }, rows };
}

/** Sends every row there and back, compares byte for byte, and returns how many needed the exact header. */
async function roundTrip(name: string): Promise<number> {
  const { version, rows } = await readTable(name);
  const { encoder, decoder, valueSchema } = await path(version);
  const type = oracle(valueSchema);
  let exactCount = 0;
  for (const row of rows) {
    const { value, exact } = encode(encoder, WireOp.update, row, row);
    expect(decode(decoder, version.columns.length, value, exact)).toEqual({ before: row, after: row });
    expect(type.toBuffer(type.fromBuffer(value.subarray(5)))).toEqual(value.subarray(5));
    if (exact.length > 0) exactCount++;
  }
  expect(rows.length).toBeGreaterThan(0);
  return exactCount;
}

const PLAIN: readonly [type: string, ...literals: string[]][] = [
  ['bool', 'true', 'false'],
  ['int2', '-32768', '32767'],
  ['int4', '-2147483648', '2147483647'],
  ['int8', '-9223372036854775808', '9223372036854775807', '-4503599627370497'],
  ['oid', '4294967295'],
  ['float4', '-0', 'NaN', 'Infinity', '-Infinity', '1e-45', '3.4028235e38', '0.1', '1e6', '99999.9'],
  [
    'float8',
    '-0',
    'NaN',
    'Infinity',
    '-Infinity',
    '5e-324',
    '1.7976931348623157e308',
    '0.1',
    '1e15',
    '999999999999999',
  ],
  ['numeric', '1.10', '-0.000', '1e-30', '1e400', '123456789012345678901234567890.12'],
  ['numeric(10,2)', '99999999.99', '-0.01', '0'],
  ['numeric(38,18)', '-12345678901234567890.123456789012345678'],
  ['numeric(5,-2)', '1234567', '-49', '0'],
  ['numeric(2,4)', '0.0012', '-0.0099'],
  ['text', '', 'äöü€😀', 'a\tb'],
  ['varchar(20)', 'abc  '],
  ['char(5)', 'ab'],
  ['"char"', 'x'],
  ['name', 'pg_class'],
  ['bytea', '\\x', '\\x00ff5c'],
  ['date', '4713-01-01 BC', '0001-12-31 BC', '0001-01-01', '2024-02-29', '5874897-12-31'],
  ['time', '00:00', '24:00', '23:59:59.999999'],
  ['time(3)', '24:00', '23:59:59.123'],
  ['time(0)', '12:34:56'],
  ['timestamp', '4713-01-01 00:00 BC', '1969-12-31 23:59:59.999999', '2024-02-29 12:34:56.7', 'infinity', '-infinity'],
  ['timestamp(3)', '294276-12-31 23:59:59.999', '1969-12-31 23:59:59.999', 'infinity', '-infinity'],
  ['timestamptz', '2024-02-29 12:34:56.7+05:30', '0001-01-01 00:00+00', '9999-12-31 23:59:59.999999+00', 'infinity'],
  ['timestamptz(3)', '2024-02-29 12:34:56.7891', '-infinity'],
  ['timestamptz(0)', '2024-02-29 12:34:56.7'],
  ['uuid', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'],
  ['json', '{ "a" : 1.50 }'],
  ['jsonb', '{"b":[1.50,null],"a":1e10}'],
  ['xml', '<a>b</a>'],
  ['mood', 'so, so', 'Ünhappy'],
  ['feeling', 'sad'],
  ['positive', '7'],
  ['price', '1.5'],
  ['dear', '12345.678'],
  ['pair', '(1,"a ""b""")'],
  ['int4[]', '{1,NULL}', '[0:1]={1,2}', '{{1,2},{3,4}}'],
  ['mood[]', '{sad,"so, so"}'],
  ['numeric(5,1)[]', '{1.5,NaN}'],
  ['int4range', '[1,5)', 'empty'],
  ['tstzmultirange', '{[2024-01-01,2024-01-02),[2024-02-01,)}'],
  ['interval', '1 year -2 mons 3 days -04:05:06.789', '0'],
  ['interval day to second(3)', '1.2345 seconds'],
  ['timetz', '04:05:06.789-08:30', '24:00:00+00'],
  ['inet', '192.168.0.1/24', '::1'],
  ['cidr', '10.0.0.0/8'],
  ['macaddr', '08:00:2b:01:02:03'],
  ['bit(8)', '10101010'],
  ['varbit', '', '101'],
  ['bit(1)', '1'],
  ['money', '-1234.56'],
  ['point', '(1.5,-0)'],
  ['polygon', '((0,0),(1,1),(1,0))'],
  ['circle', '<(1,2),3>'],
  ['tsvector', "'a':1 'b''c':2"],
  ['tsquery', "'a' & 'b'"],
  ['pg_lsn', '16/B374D848'],
  ['xid8', '18446744073709551615'],
  ['jsonpath', '$.a[*]'],
  ['regclass', 'pg_catalog.pg_class'],
];

const FAR: readonly [type: string, ...literals: string[]][] = [
  ['numeric', 'NaN', 'Infinity', '-Infinity'],
  ['numeric(10,2)', 'NaN'],
  ['date', 'infinity', '-infinity'],
  ['timestamp', '294276-12-31 23:59:59.999999', '294247-01-10 04:00:25.2'],
  ['timestamptz', '10000-01-01 00:00+00', '0044-03-15 12:00+00 BC'],
];

let tables = 0;

async function create(type: string, literals: readonly string[], constraint: string): Promise<string> {
  const name = `values_${++tables}`;
  await database.query(`create table ${name} (v ${type} ${constraint})`);
  for (const literal of literals)
    await database.client.query(`insert into ${name} values ($1::text::${type})`, [literal]);
  return name;
}

test.each(PLAIN)('%s: fits its field and comes back as Postgres printed it', async (type, ...literals) => {
  for (const constraint of ['', 'not null']) {
    expect(await roundTrip(await create(type, literals, constraint))).toBe(0);
  }
});

test.each(FAR)('%s: what no field can carry comes back by the exact header', async (type, ...literals) => {
  for (const constraint of ['', 'not null']) {
    expect(await roundTrip(await create(type, literals, constraint))).toBe(literals.length);
  }
});

test('random values of every numeric and time type come back, without the exact header but for a few floats', async () => {
  await database.query(/* sql */ `
    create table random_values as select
      ('x' || substr(md5(i::text), 1, 16))::bit(64)::int8 as i8,
      (('x' || substr(md5(i::text), 1, 16))::bit(64)::int8 >> (i % 60)) as i8_small,
      (random() * 2e9 - 1e9)::int4 as i4,
      (('x' || substr(md5(i::text), 1, 16))::bit(64)::int8::numeric * 1000 / 10 ^ (i % 25))::numeric as n,
      ((random() - 0.5) * 1e8)::numeric(12, 4) as n4,
      date '2000-01-01' + (i * 211 - 1000000) as d,
      timestamp '1970-01-01' + (random() - 0.5) * interval '4000 years' as ts,
      (timestamp '1970-01-01' + (random() - 0.5) * interval '4000 years')::timestamp(2) as ts2,
      timestamptz '1970-01-01 00:00+00' + (random() - 0.45) * interval '4000 years' as tz,
      time '00:00' + random() * interval '1 day' as t,
      gen_random_uuid() as u,
      decode(md5(i::text), 'hex') as b
    from generate_series(1, 3000) i;
    create table random_floats as select
      (random() - 0.5) * 10 ^ (random() * 600 - 300) as f8,
      (((random() - 0.5) * 10 ^ (random() * 70 - 35)))::float4 as f4,
      round((random() * 1000)::numeric, i % 5)::float8 as f8_short,
      round((random() * 1000)::numeric, i % 5)::float4 as f4_short
    from generate_series(1, 3000) i`);
  expect(await roundTrip('random_values')).toBe(0);
  expect(await roundTrip('random_floats')).toBeLessThan(30);
});
