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
])('an expression is searched for names outside of pg_catalog: %s', (expression, expected) => {
  expect(qualifiedNames(expression).map(({ schema, name }) => `${schema}.${name}`)).toEqual(expected);
});
