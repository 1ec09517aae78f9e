import { expect, test } from 'vitest';
import { conditionOfSelect, conditionProblem } from '../../src/postgres/condition.ts';

test.each([
  `color = 'blue'`,
  `(a > 1 or b is distinct from 'x') and c in (1, 2, 3)`,
  `note = 'it''s; -- (not a comment'`,
  String.raw`note ~ '^\d+\' or note = E'a\'b;'`,
  `"odd;name" = 1 and "a""b" is null`,
  `tags && array['a', 'b'] and data->>'k' = '1' and d[1] > 2`,
  `exists (select from other o where o.id = id order by 1 limit 1)`,
  `at >= now() - interval '1 day' and price < 1e3 and substring(x from 1 for 2) = 'ab' and id % 2 = 0`,
])('a condition is one: %s', (text) => {
  expect(conditionProblem(text)).toBeUndefined();
});

test.each([
  ['', 'must not be empty'],
  ['   ', 'must not be empty'],
  ['true); drop table t; --', 'has a ")" too many'],
  ['a = 1; select 1', 'must not hold a semicolon'],
  ['a = 1 -- rest', 'must not hold a comment'],
  ['a = 1 /* rest', 'must not hold a comment'],
  ['(a = 1', 'has a parenthesis that is not closed'],
  ['a[1 = 1', 'has a bracket that is not closed'],
  ['(a[1) ]', 'has a ")" too many'],
  ["a = 'x", 'has a quote that is not closed'],
  [String.raw`a = E'x\' or b = 1`, 'has a quote that is not closed'],
  ['"a = 1', 'has a quote that is not closed'],
  ['a = $$x$$', 'must not hold a parameter or a text in dollar quotes'],
  ['a = $1', 'must not hold a parameter or a text in dollar quotes'],
  ['true, false', 'must be one condition, not a list'],
  ['true order by a', 'must be one condition, without ORDER'],
  ['true UNION select 1', 'must be one condition, without UNION'],
  ['a = \0', 'must not hold a zero byte'],
  // To the server these are a text that ends, and more statements; read carelessly they are one text.
  [String.raw`a = E'x'${'\n'}'\'' ) ; drop table t; --'`, 'must not hold a text in two parts'],
  [String.raw`a = ${'\u00a0'}E'x\' ) ; drop table t; --'`, 'has a ")" too many'],
  [String.raw`1e'\'' ) ; drop table t; --'`, 'has a number with letters behind it'],
])('is no condition: %s', (text, problem) => {
  expect(conditionProblem(text)).toBe(problem);
});

test('the condition of a select of all columns is found, and no other statement is taken', () => {
  const of = (text: string) => conditionOfSelect(text, 'public.Orders');
  expect(of(`SELECT * FROM public."Orders" WHERE deleted = false`)).toEqual({ condition: 'deleted = false' });
  expect(of(`select * from only public . "Orders" where\n a = 'where' and b;`)).toEqual({
    condition: `a = 'where' and b`,
  });
  expect(of(`select * from public."Orders"`)).toEqual({ condition: undefined });
  expect(of(`select * from public.Orders where a`)).toEqual({ problem: 'must select from table public.Orders' });
  const form = 'must be SELECT * FROM the table WHERE a condition: other forms are not supported';
  expect(of(`select id from public."Orders" where a`)).toEqual({ problem: form });
  expect(of(`select * from public."Orders" o join b on true where a`)).toEqual({ problem: form });
  expect(of(`delete from public."Orders"`)).toEqual({ problem: form });
  expect(of(`select * from public."Orders" where a order by b`)).toEqual({
    problem: 'must be one condition, without ORDER',
  });
});
