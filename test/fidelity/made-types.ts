import { sql, type TypeCase } from './type-case.ts';

/** Types that a database makes for itself. The replica is given all but the enums, as its administrator would (docs/fidelity.md). */
export const MADE_TYPES_SQL = /* sql */ `
  create schema kinds;
  create type kinds.pair as (a int, "B c" text, d numeric);
  create type kinds.nest as (p kinds.pair, list kinds.pair[], t timestamptz);
  create type kinds.floats as range (subtype = float8, subtype_diff = float8mi);
  create domain kinds.short as varchar(3) check (value <> 'no');
  create domain kinds.shorter as kinds.short check (length(value) < 3);
  create domain kinds.ints as int[] check (cardinality(value) < 9);
  create domain kinds.pairs as kinds.pair check ((value).a is distinct from 13);
  create domain kinds.price as numeric(8,3);
  create domain kinds.must as int not null;
  create domain kinds.lists as kinds.shorter[] check (cardinality(value) < 9);`;

/** Enums: the sink makes them. */
export const ENUMS_SQL = /* sql */ `
  create type kinds."Mood" as enum ('sad', 'so, so', 'it''s', 'Ünhappy', '"', '\\', '{}', ' ');
  create domain kinds.feeling as kinds."Mood";`;

/** Extensions whose types are tested where the server has them. */
export const EXTENSIONS: readonly string[] = ['hstore', 'citext', 'ltree', 'cube', 'seg', 'isn', 'intarray'];

/** Enums, domains, composites, ranges and arrays. */
export const MADE_TYPES: readonly TypeCase[] = [
  { type: 'kinds."Mood"', values: ['sad', 'so, so', "it's", '\u00dcnhappy', '"', '\\', '{}', ' '], quick: true },
  { type: 'kinds.short', values: ['', 'abc', '\u20ac'] },
  { type: 'kinds.shorter', values: ['ab', ''] },
  { type: 'kinds.ints', values: ['{}', '{1,NULL,3}', '[0:1]={1,2}'] },
  { type: 'kinds.pairs', values: ['(1,a,2.50)', '(,,)'] },
  { type: 'kinds.price', values: ['1.5', 'NaN', '12345.678'] },
  { type: 'kinds.must', values: ['7', '-7'], arrays: false, required: true },
  {
    type: 'kinds.pair',
    values: ['(,,)', '(1,"a ""b"", \\\\ (c)",1.10)', '(,"",NaN)', sql('a row of NULLs', 'row(null, null, null)')],
    quick: true,
  },
  {
    type: 'kinds.nest',
    values: [sql('nested', "row(row(1, 'x,y', 2.0), array[row(2, '\"', null)::kinds.pair, null], 'infinity')"), '(,,)'],
  },
  { type: 'int4range', values: ['empty', '[1,5)', '(,)', '[-2147483648,2147483647)'], quick: true },
  { type: 'int8range', values: ['[1,9223372036854775807)', '(,5)'] },
  { type: 'numrange', values: ['[1.10,1.100]', '(,NaN]', '(-Infinity,Infinity)', '[1.5,1.5]'] },
  { type: 'daterange', values: ['[2024-02-29,infinity)', '[0044-03-15 BC,)', 'empty'] },
  { type: 'tsrange', values: ['["2024-01-01 00:00:00",infinity]', '(,)'] },
  { type: 'tstzrange', values: ['[2024-01-01 00:00:00+00,)', '[0044-03-15 00:00:00+00 BC,infinity]', '(,)'] },
  { type: 'kinds.floats', values: ['[0.1,0.30000000000000004)', '(-Infinity,NaN]', 'empty'] },
  { type: 'int4multirange', values: ['{}', '{[1,3),[5,8)}', '{(,)}'] },
  { type: 'nummultirange', values: ['{[1.10,2.0],(3,)}'] },
  { type: 'datemultirange', values: ['{[2024-01-01,2024-01-02),[2024-02-01,)}'] },
  { type: 'tsmultirange', values: ['{["2024-01-01 00:00:00",infinity]}'] },
  { type: 'tstzmultirange', values: ['{[2024-01-01,2024-01-02),[2024-02-01,)}'] },
  { type: 'tstzmultirange', values: ['{}', '{[-infinity,infinity]}'], key: false },
  { type: 'kinds.floats_multirange', values: ['{}', '{[0.1,0.2],(5,Infinity]}'], since: 14 },
  { type: 'nummultirange', values: ['{}', '{(,NaN)}', '{[1.10,1.10],[2.00,3.0)}'], key: false },
  { type: 'datemultirange', values: ['{}', '{(,"0044-03-15 BC"),[2024-02-29,infinity)}'], key: false },
  { type: 'int8multirange', values: ['{[1,9223372036854775807)}'] },
  {
    type: 'integer[]',
    arrays: false,
    values: [
      '{}',
      '{NULL}',
      '{NULL,NULL}',
      '{{NULL}}',
      '{{1,2},{3,NULL}}',
      '[-1:1]={1,2,3}',
      '[0:1][5:5]={{1},{2}}',
      '{{{{{{1}}}}}}',
    ],
    quick: true,
  },
  { type: 'text[]', arrays: false, values: ['{}', '{"","NULL",NULL,"a,b","\\"","\\\\","{}"," x "}'], quick: true },
  { type: 'bytea[]', arrays: false, values: ['{"\\\\x","\\\\x005c27",NULL}'] },
  { type: 'numeric(5,1)[]', arrays: false, values: ['{1.5,NaN,-0.0}'] },
  { type: 'box[]', arrays: false, key: false, values: ['{(2,2),(1,1);(4,4),(3,3)}'] },
  { type: 'kinds."Mood"[]', arrays: false, values: ['{sad,"so, so","\\"",NULL}', '{}'] },
  {
    type: 'kinds.pair[]',
    arrays: false,
    values: [
      '{"(1,\\"a,b\\",2)",NULL,"(,,)"}',
      sql(
        'quotes',
        `array[row(1, '"', 1.0), row(2, '\\', null), row(3, '{},()', 'NaN'), row(4, '', null)]::kinds.pair[]`,
      ),
    ],
  },
  {
    type: 'kinds.nest[]',
    arrays: false,
    values: [
      sql(
        'nested',
        `array[row(row(1, '"\\''', 2.0), array[null, row(2, ' ', 1)::kinds.pair], '-infinity')]::kinds.nest[]`,
      ),
      '{}',
    ],
  },
  {
    type: 'kinds.lists',
    values: [sql('domain over array of domains', `array['ab', null, '']::kinds.shorter[]::kinds.lists`), '{}'],
    arrays: false,
  },
  { type: 'information_schema.sql_identifier', values: ['abc', 'A "b"'] },
  { type: 'information_schema.yes_or_no', values: ['YES', 'NO'] },
];

/** Types of extensions, found by their text like any other. */
export const EXTENSION_TYPES: readonly TypeCase[] = [
  { type: 'public.hstore', extension: 'hstore', values: ['', '"a"=>"1", "b c"=>NULL, "\\"q\\""=>"=>"', '"x"=>""'] },
  { type: 'public.citext', extension: 'citext', values: ['', 'AbC', 'a\\b', '__debezium_unavailable_value'] },
  { type: 'public.ltree', extension: 'ltree', values: ['', 'Top.Science.Astronomy'] },
  { type: 'public.lquery', extension: 'ltree', values: ['Top.*{1,2}.!a|b@*'] },
  { type: 'public.ltxtquery', extension: 'ltree', values: ['a & !b@'] },
  { type: 'public.cube', extension: 'cube', values: ['(1.5, -2, 1e+300)', '(0, 0),(1, 1)', '()'] },
  { type: 'public.seg', extension: 'seg', values: ['1.50 .. 2.0', '~6.5', '< 5', '1.5(+-)0.1'] },
  { type: 'public.isbn13', extension: 'isn', values: ['978-0-393-04002-9'] },
  { type: 'public.query_int', extension: 'intarray', values: ['1 & (2 | 3)'] },
];
