import { expect, test } from 'vitest';
import type { Column, ColumnType, MadeType } from '../../../src/change/table-schema.ts';
import { insert, table } from '../batches.ts';
import { type Replica, replica } from './replica.ts';

function typed(name: string, made: readonly MadeType[], more: Partial<Column> = {}): Column {
  const type: ColumnType = {
    oid: 70_000,
    name,
    declared: name,
    modifier: -1,
    kind: 'domain',
    base: 'pg_catalog.int4',
    baseModifier: -1,
    made,
  };
  return { name: 'v', attnum: 2, type, nullable: true, ...more };
}

async function send(target: Replica, column: Column, value: string, isFollowed = false): Promise<void> {
  const plain = table('t', ['id int*']);
  const schema = { ...plain, columns: [...plain.columns, column], ...(isFollowed && { isFollowed }) };
  await target.apply([insert(schema, '1', value)]);
}

const AGE: MadeType = {
  kind: 'domain',
  name: 'public.age',
  base: { name: 'pg_catalog.int4', modifier: -1 },
  default: '7',
  notNull: true,
  checks: [
    { name: 'adult', definition: 'CHECK ((VALUE > 17))' },
    { name: 'odd', definition: 'CHECK (public.is_odd(VALUE))' },
  ],
};

test('a domain is created bare where the source does not send DDL: its values were checked there', async () => {
  await using target = await replica();
  await send(target, typed('public.age', [AGE]), '3');
  expect(await target.rows('public.t')).toEqual([['1', '3']]);
  const [domain] = await target.database.query(
    `select typdefault, typnotnull, (select count(*)::int from pg_constraint where contypid = t.oid) as checks from pg_type t where typname = 'age'`,
  );
  expect(domain).toEqual({ typdefault: '7', typnotnull: false, checks: 0 });
});

test('where the source sends DDL a domain has its checks, but none that calls what somebody has made', async () => {
  const warnings: string[] = [];
  await using target = await replica({}, '', (message) => warnings.push(message));
  await send(target, typed('public.age', [AGE]), '20', true);
  const checks = await target.database.query(
    `select conname from pg_constraint where contypid = 'public.age'::regtype and contype = 'c'`,
  );
  expect(checks).toEqual([{ conname: 'adult' }]);
  expect(warnings).toEqual([expect.stringContaining('Check odd of domain public.age is not created') as string]);
});

const CITEXT: MadeType = { kind: 'extension', name: 'public.citext', extension: 'citext', schema: 'public' };

test('a type of an extension names the extension, which is created when the settings say so', async () => {
  await using target = await replica();
  await expect(send(target, typed('public.citext', [CITEXT]), 'x')).rejects.toMatchObject({
    message: 'Type public.citext does not exist on the target: it belongs to extension citext',
    advice: expect.stringContaining('create extension "citext" schema "public"') as string,
  });
  const { rowCount } = await target.database.client.query(`select from pg_available_extensions where name = 'citext'`);
  if (rowCount === 0) return; // this server has no extensions
  await using allowed = await replica({ createExtensions: true });
  await send(allowed, typed('public.citext', [CITEXT]), 'x');
  expect(await allowed.rows('public.t')).toEqual([['1', 'x']]);
});

test('a range with a function of its own is for a person to make', async () => {
  await using target = await replica();
  const made: MadeType = {
    kind: 'range',
    name: 'public.steps',
    subtype: { name: 'pg_catalog.int4', modifier: -1 },
    isCanonical: true,
  };
  await expect(send(target, typed('public.steps', [made]), '[1,2)')).rejects.toThrow(/has a function of its own/);
});

test('a collation that cannot be made leaves the default one, with a warning', async () => {
  const warnings: string[] = [];
  await using target = await replica({}, '', (message) => warnings.push(message));
  const definition = { provider: 'c', locale: 'xx_NOWHERE', isDeterministic: true };
  const text = { ...typed('pg_catalog.text', []), collation: { name: 'public.odd', definition } };
  await send(target, text, 'x');
  expect(await target.rows('public.t')).toEqual([['1', 'x']]);
  expect(warnings).toEqual([
    expect.stringMatching(/^Collation public\.odd does not exist on the target: .*order/) as string,
  ]);
});
