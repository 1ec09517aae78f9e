import { expect, test } from 'vitest';
import { compareCatalogs } from '../../src/torture/catalog-equality.ts';
import { freshDatabase } from '../support/postgres.ts';

test('the labels of a type must be equal where a table has it: a replica is told of no other', async () => {
  await using source = await freshDatabase('catalog_source');
  await using replica = await freshDatabase('catalog_replica');
  const differences = (): Promise<string[]> => compareCatalogs(source.client, replica.client);
  for (const each of [source, replica]) await each.query(/* sql */ `create table shape_a (id int primary key)`);
  await source.query(/* sql */ `create type mood as enum ('calm', 'glad')`);
  expect(await differences()).toEqual([]);
  await replica.query(/* sql */ `create type mood as enum ('calm')`);
  for (const each of [source, replica]) await each.query(/* sql */ `alter table shape_a add x_mood mood`);
  expect(await differences()).toEqual([
    'only at the source: labels of mood {calm,glad}',
    'only on the replica: labels of mood {calm}',
  ]);
});
