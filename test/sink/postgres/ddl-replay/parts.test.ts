import { expect, test } from 'vitest';
import type { DdlConstraint, DdlIndex } from '../../../../src/change/ddl.ts';
import { constraintClause, planParts, readIndex } from '../../../../src/sink/postgres/ddl-replay/parts.ts';
import { hasLooseComma } from '../../../../src/sink/postgres/ddl-replay/safe.ts';
import { searchPath } from '../../../../src/sink/postgres/ddl-replay/conversion.ts';

function check(oid: number, name: string, expression: string, isValid = true): DdlConstraint {
  return { oid, name, type: 'c', definition: `CHECK (${expression})`, isValid };
}

function index(oid: number, name: string, rest: string): DdlIndex {
  return { oid, name, definition: `CREATE INDEX ${name} ON public.t USING btree ${rest}` };
}

test('parts are followed by their ids, then by what they are', () => {
  const before = [
    check(1, 'a', 'x > 0'),
    check(2, 'b', 'y > 0', false),
    check(3, 'c', 'z > 0'),
    check(4, 'd', 'w > 0'),
  ];
  const after = [check(1, 'a2', 'x > 0'), check(2, 'b', 'y > 0'), check(9, 'c', 'z > 0'), check(8, 'd', 'w > 1')];
  const plan = planParts(before, after, false);
  expect(plan.renamed.map(({ from, to }) => `${from.name} ${to.name}`)).toEqual(['a a2']);
  expect(plan.validated.map(({ name }) => name)).toEqual(['b']);
  expect(plan.gone.map(({ oid }) => oid)).toEqual([4]);
  expect(plan.added.map(({ oid }) => oid)).toEqual([8]);
});

test('what a new type of a column builds anew is the same, as on the target', () => {
  const [before, after] = [[check(4, 'd', '(w)::int > 0')], [check(8, 'd', 'w > 0')]];
  expect(planParts(before, after, true)).toEqual({ gone: [], renamed: [], added: [], validated: [] });
});

test('an index that was built anew under a new name is neither gone nor new', () => {
  const renamed = planParts([index(1, 'a', '(x)')], [index(1, 'b', '(x)')], false);
  expect(renamed.renamed.map(({ to }) => to.name)).toEqual(['b']);
  const rebuilt = planParts([index(1, 'a', '(x)')], [index(2, 'a', '(x)')], false);
  expect([rebuilt.gone, rebuilt.added]).toEqual([[], []]);
});

test('a definition that Postgres does not print is refused', () => {
  const strange = { oid: 1, name: 'i', definition: 'CREATE INDEX i ON public.t; drop table t --' };
  expect(() => readIndex(strange)).toThrow(/not one that Postgres prints/);
  expect(() => constraintClause({ ...check(1, 'c', 'true'), definition: 'drop column x' })).toThrow(/not one that/);
  expect(
    readIndex({
      oid: 1,
      name: 'i',
      definition: 'CREATE UNIQUE INDEX "a b" ON ONLY "S x".t USING gin ((a -> 1)) WHERE b',
    }),
  ).toEqual({
    unique: true,
    method: 'gin',
    rest: '((a -> 1)) WHERE b',
  });
});

test('a second clause behind a comma is seen', () => {
  expect(hasLooseComma('CHECK ((a, b) = (1, 2))')).toBe(false);
  expect(hasLooseComma(`CHECK (a = ',)') NOT VALID`)).toBe(false);
  expect(hasLooseComma('CHECK (true), drop column a')).toBe(true);
});

test('a search_path is read as the session had it', () => {
  const path = searchPath({ search_path: `"$user", Public, "Odd, ""one""", pg_catalog, pg_temp`, session_user: 'bob' });
  expect(path).toEqual(['bob', 'public', 'Odd, "one"']);
});
