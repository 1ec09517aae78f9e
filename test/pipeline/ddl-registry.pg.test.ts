import { expect, test } from 'vitest';
import { createLogSchemaStore } from '../../src/converter/registry/log-store.ts';
import type { OnIncompatible } from '../../src/converter/converter.ts';
import { describeError, type OperatorError } from '../../src/errors.ts';
import { memoryTopic } from '../converter/registry/memory-topic.ts';
import { pair } from './ddl-world.ts';

const { signal } = new AbortController();

test('a table whose new schema is forbidden stops the source with the statement that changed it, unless it is forced', async () => {
  const topic = memoryTopic();
  let onIncompatible: OnIncompatible = 'fail';
  await using world = await pair(`create table t (id int primary key, v int); insert into t values (1, 1)`, {
    store: () => createLogSchemaStore(topic, onIncompatible),
  });
  const { source, replication } = world;
  const reading = replication.startSource();
  replication.startSink();
  await replication.settled();
  const registry = createLogSchemaStore(topic);
  await registry.setLevel('shop.public.t-value', 'BACKWARD', signal);
  await source.query(`alter table t add column note text; insert into t values (2, 2, 'fits')`);
  await replication.settled();
  await source.query(`alter table t alter column v type text; insert into t values (3, 'three')`);
  await reading.ended;
  const text = describeError(reading.failure);
  expect(text).toMatch(
    /^Table public\.t was changed by ALTER TABLE of postgres at 20\d\d-\S+ \S+, and its rows cannot/,
  );
  expect(text).toMatch(/"shop\.public\.t-value" at level BACKWARD: .*\.v: /);
  expect((reading.failure as OperatorError).advice).toContain('schema.evolution.on.incompatible');
  reading.failure = undefined;
  onIncompatible = 'force';
  replication.startSource();
  await replication.settled();
  expect(await replication.expectEqual('t')).toBe(3);
});
