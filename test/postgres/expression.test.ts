import { expect, test } from 'vitest';
import { isConstantDefault, isContained, isSimpleDefault } from '../../src/postgres/expression.ts';

test('constants are told from what only the source can compute', () => {
  for (const text of [
    '5',
    '(-5)',
    '-1.5e10',
    "''::text",
    "'it''s'::character varying(20)",
    "'{}'::integer[]",
    'true',
    "'2026-01-01 00:00:00+00'::timestamp with time zone",
    'NULL::text',
    "'00:00:00'::interval hour to second(3)",
    "'1 day'::interval day[]",
    `'so so'::kinds."Mood"`,
    String.raw`'it\was'::text`,
    String.raw`'\x00ff'::bytea`,
    String.raw`'\'`,
  ]) {
    expect([text, isConstantDefault(text), isSimpleDefault(text)]).toEqual([text, true, true]);
  }
  for (const text of ['now()', 'CURRENT_TIMESTAMP', 'gen_random_uuid()', 'random()']) {
    expect([text, isConstantDefault(text), isSimpleDefault(text)]).toEqual([text, false, true]);
  }
});

test('sequences, functions of users, and more than one expression are no simple defaults', () => {
  for (const text of [
    "nextval('s'::regclass)",
    'public.evil()',
    '5; drop table x',
    "'a' || public.f()",
    "'a'); drop table x; --",
    "E'a\\'; drop table x; --'",
    "'a\\'; drop table x; --'",
    "'a'::text, add column y int",
    '5) , drop column id --',
    '(select 1)',
    '5::integer references secret',
    "'a'::text check (f())",
    "'1'::interval references secret",
  ]) {
    expect([text, isSimpleDefault(text)]).toEqual([text, false]);
  }
});

test('an expression stays inside its parentheses', () => {
  for (const text of ['(a * 2)', "((a || ' )('::text) || b)", '"we;ird)" + 1', 'ARRAY[1, 2]']) {
    expect([text, isContained(text)]).toEqual([text, true]);
  }
  for (const text of [
    'a) stored); drop table x; --',
    'a; b',
    '(a',
    'a -- b',
    'a /* b */',
    "'open",
    '$$a$$',
    "E'\\''",
    '',
    'a)(b',
  ]) {
    expect([text, isContained(text)]).toEqual([text, false]);
  }
});

test('a text of nothing but quotes is judged at once, however long it is', () => {
  // Looking back over all that stands before each of them would take minutes.
  expect(isContained("''".repeat(500_000))).toBe(true);
  expect(isContained('"" '.repeat(300_000))).toBe(true);
  expect(isContained(`${"''".repeat(1000)}U&''`)).toBe(false);
});
