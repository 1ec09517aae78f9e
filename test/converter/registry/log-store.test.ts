import { expect, test } from 'vitest';
import {
  createLogSchemaStore,
  type SchemaRecord,
  type SchemaTopic,
} from '../../../src/converter/registry/log-store.ts';
import { OperatorError, TransientError } from '../../../src/errors.ts';

const { signal } = new AbortController();

/** A topic in memory. */
function memoryTopic(): SchemaTopic & { readonly records: SchemaRecord[] } {
  const records: SchemaRecord[] = [];
  return {
    records,
    append(_key, value) {
      const offset = (records.at(-1)?.offset ?? -1) + 1;
      records.push({ offset, value });
      return Promise.resolve(offset);
    },
    read: (from) => Promise.resolve(records.filter((record) => record.offset >= from)),
  };
}

test('a schema gets the offset + 1 of its record as id, and keeps it', async () => {
  const topic = memoryTopic();
  const store = createLogSchemaStore(topic);
  expect(await store.register('a-value', '"int"', signal)).toBe(1);
  expect(await store.register('b-value', '"long"', signal)).toBe(2);
  expect(await store.register('a-value', '"int"', signal)).toBe(1);
  expect(topic.records).toHaveLength(2);
  expect(await store.byId(2, signal)).toBe('"long"');
});

test('an equal schema under another subject has the same id', async () => {
  const store = createLogSchemaStore(memoryTopic());
  expect(await store.register('a-value', '{"type":"int"}', signal)).toBe(1);
  expect(await store.register('b-value', ' { "type": "int" } ', signal)).toBe(1);
  expect(await store.entries(signal)).toEqual([
    { subject: 'a-value', id: 1, schema: '{"type":"int"}' },
    { subject: 'b-value', id: 1, schema: '{"type":"int"}' },
  ]);
});

test('two daemons that race agree on the id of the first record', async () => {
  const inner = memoryTopic();
  const other = createLogSchemaStore(inner);
  let otherId = 0;
  const store = createLogSchemaStore({
    read: (offset, aborted) => inner.read(offset, aborted),
    // The other daemon appends between this one's look at the topic and its append.
    append: async (key, value, aborted) => {
      if (otherId === 0) otherId = await other.register('t-value', '"int"', signal);
      return inner.append(key, value, aborted);
    },
  });
  expect(await store.register('t-value', '"int"', signal)).toBe(1);
  expect(otherId).toBe(1);
  expect(inner.records).toHaveLength(2);
  expect(await store.register('t-value', '"long"', signal)).toBe(3);
});

test('another daemon finds what was registered, and registers nothing again', async () => {
  const topic = memoryTopic();
  await createLogSchemaStore(topic).register('a-value', '"int"', signal);
  const other = createLogSchemaStore(topic);
  expect(await other.byId(1, signal)).toBe('"int"');
  expect(await other.register('a-value', '"int"', signal)).toBe(1);
  expect(topic.records).toHaveLength(1);
});

test('parallel registrations of one process stay consistent', async () => {
  const store = createLogSchemaStore(memoryTopic());
  const ids = await Promise.all(['"int"', '"long"', '"int"'].map((schema) => store.register('s', schema, signal)));
  expect(ids[0]).toBe(ids[2]);
  expect(await store.byId(ids[1] as number, signal)).toBe('"long"');
});

test('an unknown id is an OperatorError', async () => {
  await expect(createLogSchemaStore(memoryTopic()).byId(7, signal)).rejects.toThrow(OperatorError);
});

test('a record that cannot be read back is a TransientError, not an id', async () => {
  const topic: SchemaTopic = { append: () => Promise.resolve(5), read: () => Promise.resolve([]) };
  await expect(createLogSchemaStore(topic).register('s', '"int"', signal)).rejects.toThrow(TransientError);
});

test('a foreign or newer record stops with its offset', async () => {
  for (const value of [
    Buffer.from('{}'),
    Buffer.from('\x02{"subject":"s","schema":"\\"int\\""}'),
    Buffer.from('\x01x'),
  ]) {
    const topic = memoryTopic();
    topic.records.push({ offset: 0, value });
    await expect(createLogSchemaStore(topic).byId(1, signal)).rejects.toThrow('Record 0 of the schemas topic');
  }
});
