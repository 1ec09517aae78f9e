import { expect, test } from 'vitest';
import { assertSafe } from '../../../../src/sink/postgres/ddl-replay/safe.ts';
import { Session } from '../../../../src/sink/postgres/session.ts';
import { resolveSinkSettings } from '../../../../src/sink/postgres/settings.ts';
import { freshDatabase, uniqueName } from '../../../support/postgres.ts';

const SAFE = [
  'a > 0',
  `((a)::numeric(10,2) IS NOT NULL) AND (b = ANY (ARRAY['x'::text, 'it''s'::text]))`,
  `lower(a) || date_trunc('day', b)::text`,
  `CASE WHEN length((a)::text) > 3 THEN COALESCE(b, 'now(') ELSE "upper"(c) END`,
  `pg_catalog.lower(a)`,
  `a::character varying(20) LIKE ('x') AND a IS NOT NULL`,
  `t.name || (c).street`,
  `EXTRACT(year FROM b) IN (1, 2)`,
];

const UNSAFE = [
  `query_to_xml('drop table t', true, true, '')`,
  `table_to_xml('t', true, true, '')`,
  `pg_read_file('x')`,
  `public.f(a)`,
  `nowhere(a)`,
  `nextval('s')`,
  `set_config('role', 'x', false)`,
  `lo_export(1, 'x')`,
  `a OPERATOR(public.+) b`,
  `"pg_sleep"(1)`,
  `pg_sleep/**/(1)`,
  `a) ; drop table t; --`,
  `a, b)`,
  `$$x$$`,
  `E'\\''`,
  `twice(a)`,
  `lower (a)`,
  `(a).pg_read_file`,
  `(a) . "pg_read_file" || ''`,
  `t.random`,
  `(a).twice`,
  `like(a, b)`,
  `U&"lower"(a)`,
  `ma\u212Ae_date(1, 2, 3)`,
];

test('only functions of Postgres that change nothing are called on the word of the source', async () => {
  await using target = await freshDatabase('target');
  await target.query(/* sql */ `create schema mine; create function mine.twice(text) returns text language sql as 'select $1';
    create function mine.lower(text) returns text language sql as 'select $1';
    create function mine.like(text, text) returns bool language sql as 'select true'`);
  const settings = resolveSinkSettings({ connection: target.settings, name: 'replica', prefix: 'shop' });
  await using session = await Session.open(settings, AbortSignal.timeout(30_000));
  for (const expression of SAFE)
    await expect(assertSafe(session, expression, 'It'), expression).resolves.toBeUndefined();
  for (const expression of UNSAFE) {
    await expect(assertSafe(session, expression, 'It', { path: ['mine'] }), expression).rejects.toThrow(
      'It calls a function',
    );
  }
});

test('what an ordinary user of the target has put behind an operator, a cast or a domain is not run', async () => {
  const role = uniqueName('mallory');
  const makings: readonly [string, string, string][] = [
    [
      `create operator mine.@@@@ (function = mine.f, leftarg = text, rightarg = text)`,
      `v @@@@ 'x'`,
      `drop operator mine.@@@@ (text, text)`,
    ],
    [
      `create cast (text as mine.y) with function mine.g(text)`,
      `v::y::text`,
      `drop cast (text as mine.y); drop function mine.g`,
    ],
    [`create domain mine.d as text check (mine.h(value))`, `v::d`, `drop domain mine.d`],
  ];
  for (const [making, expression, undoing] of makings) {
    await using target = await freshDatabase('target');
    await target.query(/* sql */ `create role ${role}; grant create on database ${target.settings.database} to ${role}; set role ${role};
      create schema mine; create type mine.y as (a text);
      create function mine.f(text, text) returns text language sql as 'select $1';
      create function mine.g(text) returns mine.y language sql as 'select row($1)::mine.y';
      create function mine.h(text) returns bool language sql as 'select true'`);
    const settings = resolveSinkSettings({ connection: target.settings, name: 'replica', prefix: 'shop' });
    await using session = await Session.open(settings, AbortSignal.timeout(30_000));
    const assert = (): Promise<void> => assertSafe(session, expression, 'It', { path: ['mine'] });
    try {
      await expect(assert(), making).resolves.toBeUndefined();
      await target.query(making);
      await expect(assert(), making).rejects.toThrow('It calls a function');
      await target.query(undoing);
    } finally {
      await target.query(`reset role; drop owned by ${role} cascade; drop role ${role}`);
    }
  }
});
