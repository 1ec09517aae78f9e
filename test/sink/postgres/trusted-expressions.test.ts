import { expect, test } from 'vitest';
import { qualifiedNames } from '../../../src/sink/postgres/trusted-expressions.ts';

test.each<[string, readonly string[]]>([
  ['(a * (2)::numeric)', []],
  ["upper((COALESCE(a, 'my.name'::text) || 'it''s.one'::text))", []],
  ['(1.5e3 + x)', []],
  ['pg_catalog.lower(b)', []],
  ['mallory.trap(c)', ['mallory.trap']],
  ['"My Schema"."a ""b"""((x).y)', ['My Schema.a "b"']],
  ['(mood OPERATOR(ext.<=>) \'sad\'::public."Mood")', ['ext.<=>', 'public.Mood']],
  ['größe.fläche(b)', ['größe.fläche']],
  ['a + b.c.d + "e" + f."g"', ['b.c', 'f.g']],
])('an expression is searched for names outside of pg_catalog: %s', (expression, expected) => {
  expect(qualifiedNames(expression).map(({ schema, name }) => `${schema}.${name}`)).toEqual(expected);
});

test('a long name is looked at once, not from each of its letters', () => {
  // A million letters: from each of them the rest would take hours.
  expect(qualifiedNames(`${'x'.repeat(1_000_000)} + mallory.trap(c)`)).toEqual([{ schema: 'mallory', name: 'trap' }]);
});
