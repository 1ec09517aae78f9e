import { expect, test } from 'vitest';
import type { Column, TableSchema } from '../../../src/change/table-schema.ts';
import { beforehandSql, computedChanges } from '../../../src/sink/postgres/computed.ts';
import { column, table } from '../../converter/fixture.ts';

const stored = (name: string, expression: string, type = 'int4'): Column =>
  column(name, type, { generated: 's', default: expression, attnum: 3 });
const A = column('a', 'int4', { attnum: 2 });
const version = (columns: Column[], computed: Column[] = []): TableSchema =>
  table([column('id', 'int4', { nullable: false }), ...columns], { computed });

test('a generated column that is new is added, one that is gone or another is dropped first', () => {
  const from = version([A], [stored('x', 'a + 1'), stored('gone', 'a')]);
  const to = version([A], [stored('x', 'a + 2'), stored('y', 'a')]);
  const changes = computedChanges(from, to, [A, stored('x', '(a + 1)'), stored('gone', 'a')]);
  expect(changes.drop.map(({ name }) => name)).toEqual(['x', 'gone']);
  expect(changes.add.map(({ name }) => name)).toEqual(['x', 'y']);
  expect(beforehandSql('t', changes)).toEqual(['alter table t drop column "x"', 'alter table t drop column "gone"']);
});

test('all are made anew when a column that they may be made of gets another type', () => {
  const from = version([A, stored('sent', 'a')], [stored('x', 'a')]);
  const to = version([column('a', 'int8', { attnum: 2 }), stored('sent', 'a')], [stored('x', 'a')]);
  const { drop, add } = computedChanges(from, to, [A, stored('sent', 'a'), stored('x', 'a')]);
  expect(drop.map(({ name }) => name)).toEqual(['sent', 'x']);
  expect(add.map(({ name }) => name)).toEqual(['x']);
});

test('what the target has by itself is left alone, and nothing is done when nothing has changed', () => {
  const same = version([A], [stored('x', 'a')]);
  expect(computedChanges(same, same, [A, stored('x', 'a'), stored('own', 'a')])).toEqual({
    drop: [],
    settle: [],
    add: [],
  });
  expect(computedChanges(undefined, version([A], [stored('x', 'a')]), [A, column('x', 'int4')])).toEqual({
    drop: [],
    settle: [],
    add: [],
  });
});

test('a column whose expression was dropped keeps its values', () => {
  const from = version([A], [stored('x', 'a')]);
  const changes = computedChanges(from, version([A, column('x', 'int4', { attnum: 3 })]), [A, stored('x', 'a')]);
  expect(beforehandSql('t', changes)).toEqual(['alter table t alter column "x" drop expression']);
});

test('a column that was taken for an ordinary one, because the catalog was ahead, is made anew', () => {
  const from = version([A, column('x', 'int4', { attnum: 3 })]);
  const to = version([A, stored('x', 'a')]);
  expect(computedChanges(from, to, [A, column('x', 'int4')]).drop.map(({ name }) => name)).toEqual(['x']);
});
