import { expect, test } from 'vitest';
import { assertSafe } from '../../../../src/sink/postgres/ddl-replay/safe.ts';
import { Session } from '../../../../src/sink/postgres/session.ts';
import { resolveSinkSettings } from '../../../../src/sink/postgres/settings.ts';
import { freshDatabase } from '../../../support/postgres.ts';

const SAFE = [
  'a > 0',
  `((a)::numeric(10,2) IS NOT NULL) AND (b = ANY (ARRAY['x'::text, 'it''s'::text]))`,
  `lower(a) || date_trunc('day', b)::text`,
  `CASE WHEN length((a)::text) > 3 THEN COALESCE(b, 'now(') ELSE "upper"(c) END`,
  `pg_catalog.lower(a)`,
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
];

test('only functions of Postgres that change nothing are called on the word of the source', async () => {
  await using target = await freshDatabase('target');
  await target.query(/* sql */ `create schema mine; create function mine.twice(text) returns text language sql as 'select $1';
    create function mine.lower(text) returns text language sql as 'select $1'`);
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
