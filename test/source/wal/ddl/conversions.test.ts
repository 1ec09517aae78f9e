import { expect, test } from 'vitest';
import { conversionsOf } from '../../../../src/source/wal/ddl/conversions.ts';

const T = [{ schema: 'public', name: 't' }];

const CASES: readonly [string, Record<string, string | null>][] = [
  ['alter table t alter column a type int', { a: null }],
  ['ALTER TABLE IF EXISTS ONLY Public.T ALTER A SET DATA TYPE int USING a::int', { a: 'a::int' }],
  [
    'alter table t alter a type numeric(10, 2) using round(a, 2), alter column b type text using coalesce(b, (c)::text), drop column d',
    { a: 'round(a, 2)', b: 'coalesce(b, (c)::text)' },
  ],
  [
    `select 'alter table t alter a type int'; /* alter table t alter a type text; /* nested */ */ -- alter table t alter a type int
     alter table "public"."t" * alter "a b" type int using "a b"::int;`,
    { 'a b': '"a b"::int' },
  ],
  ['alter table other.t alter a type int', {}],
  ['alter table u alter a type int', {}],
  ['do $$ begin alter table t alter a type int; end $$', {}],
  [`do $x$ begin execute 'x;'; end $x$; alter table t alter a type int using '1;2'::int;`, { a: `'1;2'::int` }],
  [`alter table t alter a type text using E'\\';' || a`, { a: `E'\\';' || a` }],
  ['alter table t alter a type int; alter table t alter a type bigint', {}],
  ['alter table t alter a type text collate "C" using (a) /* because */', { a: '(a)' }],
  ['alter table t alter a set default 1, alter type type int using 1', { type: '1' }],
  ['alter table t rename a to b', {}],
  [`alter table t alter a type text using 'unfinished`, { a: `'unfinished` }],
  ['alter table t alter a type text using U&"d\\0061t"', { a: 'U&"d\\0061t"' }],
  ['', {}],
];

test.each(CASES)('%s', (command, conversions) => {
  expect(conversionsOf(command, T)).toEqual(conversions);
});

test('tables are named as the statement quotes them', () => {
  expect(conversionsOf('alter table "T" alter a type int', T)).toEqual({});
  expect(conversionsOf('alter table "T" alter a type int', [{ schema: 's', name: 'T' }])).toEqual({ a: null });
  expect(conversionsOf('alter table s."a.""b" alter a type int', [{ schema: 's', name: 'a."b' }])).toEqual({ a: null });
});
