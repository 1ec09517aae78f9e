import { expect, test } from 'vitest';
import { createLogSchemaStore, type SchemaTopic } from '../../../src/converter/registry/log-store.ts';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { memoryTopic } from './memory-topic.ts';

const { signal } = new AbortController();

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
  expect(await store.versions(signal)).toEqual([
    { subject: 'a-value', version: 1, id: 1, schema: '{"type":"int"}', deleted: false },
    { subject: 'b-value', version: 1, id: 1, schema: '{"type":"int"}', deleted: false },
  ]);
});

test('two daemons that race agree on the id of the first record', async () => {
  const inner = memoryTopic();
  const other = createLogSchemaStore(inner);
  let otherId = 0;
  const store = createLogSchemaStore({
    read: (offset, aborted) => inner.read(offset, aborted),
    // The other daemon appends between this one's look at the topic and its append.
    append: async (records, aborted) => {
      if (otherId === 0) otherId = await other.register('t-value', '"int"', signal);
      return inner.append(records, aborted);
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

test.each([
  '{}',
  '\x01x',
  '\x01{"subject":1,"schema":"\\"int\\""}',
  '\x02{"subject":"s","schema":"\\"int\\""}',
  '\x02{"kind":"register checked","subject":"s","schema":"\\"int\\"","schemaType":"AVRO"}',
  '\x02{"kind":"register checked","subject":"s","schema":"\\"int\\"","schemaType":"JSON","after":-1}',
  '\x02{"kind":"delete","subject":"s","versions":["1"],"permanent":true}',
  '\x02{"kind":"level","subject":"s","level":"SOMETIMES"}',
  '\x02{"kind":"mode","subject":"s"}',
  '\x03{"kind":"level","level":"NONE"}',
])('a foreign or newer record stops with its offset: %j', async (value) => {
  const topic = memoryTopic();
  topic.records.push({ offset: 0, value: Buffer.from(value) });
  await expect(createLogSchemaStore(topic).byId(1, signal)).rejects.toThrow('Record 0 of the schemas topic');
});

test('sources write what the first version of Rowcast reads; every other kind has a byte that it refuses', async () => {
  const topic = memoryTopic();
  const registry = createLogSchemaStore(topic);
  await registry.register('s', ' "int" ', signal);
  await registry.setLevel('s', 'FULL', signal);
  await registry.registerChecked('s', '"bytes"', signal).catch(() => undefined);
  await registry.setLevel('s', 'NONE', signal);
  await registry.registerChecked('s', '"bytes"', signal);
  await registry.delete('s', 1, false, signal);
  expect(topic.records[0]?.value.toString()).toBe('\x01{"subject":"s","schema":"\\"int\\"","schemaType":"AVRO"}');
  // Records of this form are in topics: a later version must read every one of them.
  expect(topic.records.slice(1).map(({ value }) => value.toString())).toEqual([
    '\x02{"kind":"level","subject":"s","level":"FULL"}',
    '\x02{"kind":"level","subject":"s","level":"NONE"}',
    '\x02{"kind":"register checked","subject":"s","schema":"\\"bytes\\"","after":2,"schemaType":"AVRO"}',
    '\x02{"kind":"delete","subject":"s","versions":[1],"permanent":false}',
  ]);
});

test('a source may change a schema as it likes until somebody sets a level, and then only what that allows', async () => {
  const registry = createLogSchemaStore(memoryTopic());
  expect(await registry.register('s', '"int"', signal)).toBe(1);
  expect(await registry.register('s', '"bytes"', signal)).toBe(2);
  await registry.setLevel(undefined, 'BACKWARD', signal);
  await registry.setLevel('s', 'BACKWARD', signal);
  const refused = registry.register('s', '"boolean"', signal);
  await expect(refused).rejects.toThrow(OperatorError);
  await expect(refused).rejects.toMatchObject({
    message: expect.stringMatching(/not compatible with subject "s" at level BACKWARD: .*bytes/) as string,
    advice: expect.stringContaining('PUT /config/s {"compatibility": "NONE"}') as string,
  });
  expect(await registry.register('s', '"bytes"', signal)).toBe(2);
  await registry.setLevel('s', 'NONE', signal);
  expect(await registry.register('s', '"boolean"', signal)).toBe(6);
});

test('many schemas are registered with one append, as if one by one', async () => {
  const topic = memoryTopic();
  let appends = 0;
  const counting: SchemaTopic = {
    read: (offset, aborted) => topic.read(offset, aborted),
    append: (records, aborted) => {
      appends++;
      return topic.append(records, aborted);
    },
  };
  const store = createLogSchemaStore(counting);
  await store.register('a-value', '"int"', signal);
  const wanted = ['a', 'b', 'c'].map((name) => ({ subject: `${name}-value`, schema: '"int"' }));
  await store.registerAhead?.([...wanted, { subject: 'a-value', schema: ' "long" ' }], signal);
  expect(appends).toBe(2);
  expect(topic.records).toHaveLength(4);
  expect(await store.register('c-value', '"int"', signal)).toBe(1);
  expect(await store.register('a-value', '"long"', signal)).toBe(4);
  await store.registerAhead?.(wanted, signal);
  expect(appends).toBe(2);
});

test('a subject that is checked is not registered ahead: its turn says why it is refused', async () => {
  const topic = memoryTopic();
  const store = createLogSchemaStore(topic);
  await store.register('a-value', '"int"', signal);
  await store.setLevel('a-value', 'BACKWARD', signal);
  const stored = topic.records.length;
  await store.registerAhead?.([{ subject: 'a-value', schema: '"string"' }], signal);
  expect(topic.records).toHaveLength(stored);
  await expect(store.register('a-value', '"string"', signal)).rejects.toThrow();
});
