import { expect, test } from 'vitest';
import { createLogSchemaStore } from '../../../src/converter/registry/log-store.ts';
import {
  IncompatibleSchema,
  InvalidSchema,
  type Registry,
  UndeletableVersion,
} from '../../../src/converter/registry/registry.ts';
import { TransientError } from '../../../src/errors.ts';
import { type MemoryTopic, memoryTopic } from './memory-topic.ts';

const { signal } = new AbortController();
const INT = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}';
const LONG = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}';
const STRING = '{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}';

function registryOver(topic: MemoryTopic = memoryTopic()): { registry: Registry; topic: MemoryTopic } {
  return { registry: createLogSchemaStore(topic), topic };
}

const numbers = async (registry: Registry, subject: string): Promise<readonly [number, number, boolean][]> =>
  (await registry.versions(signal))
    .filter((version) => version.subject === subject)
    .map(({ version, id, deleted }) => [version, id, deleted]);

test('a compatible schema is registered, an incompatible one is refused with its reasons and leaves no record', async () => {
  const { registry, topic } = registryOver();
  expect(await registry.registerChecked('s', INT, signal)).toEqual({
    subject: 's',
    version: 1,
    id: 1,
    schema: INT,
    deleted: false,
  });
  expect(await registry.registerChecked('s', LONG, signal)).toMatchObject({ version: 2, id: 2 });
  const refused = registry.registerChecked('s', STRING, signal);
  await expect(refused).rejects.toThrow(IncompatibleSchema);
  await expect(refused).rejects.toThrow(/subject "s" at level BACKWARD: R\.a: the new schema has string/);
  await expect(registry.registerChecked('s', '"what"', signal)).rejects.toThrow(InvalidSchema);
  expect(topic.records).toHaveLength(2);
});

test('an equal schema is registered once, whatever the order of its properties and its white space', async () => {
  const { registry, topic } = registryOver();
  await registry.registerChecked('s', INT, signal);
  const again = '{ "name": "R", "type": "record", "fields": [{ "type": "int", "name": "a" }] }';
  expect(await registry.registerChecked('s', again, signal)).toMatchObject({ version: 1, id: 1, schema: INT });
  expect(topic.records).toHaveLength(1);
});

test('a source registers without a check, and versions go on from there', async () => {
  const { registry } = registryOver();
  await registry.registerChecked('s', INT, signal);
  expect(await registry.register('s', STRING, signal)).toBe(2);
  await expect(registry.registerChecked('s', LONG, signal)).rejects.toThrow(IncompatibleSchema);
  expect(await numbers(registry, 's')).toEqual([
    [1, 1, false],
    [2, 2, false],
  ]);
});

test('levels: BACKWARD until set, global or per subject, and removed again', async () => {
  const { registry } = registryOver();
  expect(await registry.level(undefined, signal)).toBe('BACKWARD');
  expect(await registry.level('s', signal)).toBeUndefined();
  await registry.setLevel(undefined, 'FULL', signal);
  await registry.setLevel('s', 'NONE', signal);
  expect(await registry.level(undefined, signal)).toBe('FULL');
  expect(await registry.level('s', signal)).toBe('NONE');
  await registry.registerChecked('s', INT, signal);
  expect(await registry.registerChecked('s', STRING, signal)).toMatchObject({ version: 2 });
  await registry.setLevel('s', undefined, signal);
  await expect(registry.registerChecked('s', INT.replace('int', 'long'), signal)).rejects.toThrow('at level FULL');
  await registry.setLevel(undefined, undefined, signal);
  expect(await registry.level(undefined, signal)).toBe('BACKWARD');
});

test('a soft-deleted version is hidden and its id resolves; the same schema comes back as a new version with its id', async () => {
  const { registry } = registryOver();
  await registry.registerChecked('s', INT, signal);
  await registry.registerChecked('s', LONG, signal);
  expect(await registry.delete('s', 2, false, signal)).toEqual([2]);
  expect(await registry.byId(2, signal)).toBe(LONG);
  expect(await registry.registerChecked('s', LONG, signal)).toMatchObject({ version: 3, id: 2 });
  expect(await numbers(registry, 's')).toEqual([
    [1, 1, false],
    [2, 2, true],
    [3, 2, false],
  ]);
});

test('what is compatible is judged by the versions that are not deleted', async () => {
  const { registry } = registryOver();
  await registry.registerChecked('s', LONG, signal);
  await expect(registry.registerChecked('s', STRING, signal)).rejects.toThrow(IncompatibleSchema);
  await registry.delete('s', undefined, false, signal);
  expect(await registry.registerChecked('s', STRING, signal)).toMatchObject({ version: 2 });
});

test('a permanent delete needs a soft one, removes the level, and gives no version or id again', async () => {
  const { registry, topic } = registryOver();
  await registry.setLevel('s', 'NONE', signal);
  await registry.register('s', INT, signal);
  await registry.register('s', STRING, signal);
  await expect(registry.delete('s', undefined, true, signal)).rejects.toThrow('must be soft-deleted before');
  expect(await registry.delete('s', undefined, false, signal)).toEqual([1, 2]);
  expect(await registry.level('s', signal)).toBe('NONE');
  expect(await registry.delete('s', undefined, true, signal)).toEqual([1, 2]);
  expect(await registry.versions(signal)).toEqual([]);
  expect(await registry.level('s', signal)).toBeUndefined();
  // Rows that were written with it are in topics still.
  expect(await registry.byId(2, signal)).toBe(INT);
  expect(await registry.register('s', INT, signal)).toBe(2);
  expect(await numbers(registry, 's')).toEqual([[3, 2, false]]);
  expect(await registry.versions(signal)).toEqual(await createLogSchemaStore(topic).versions(signal));
});

test.each([
  ['an unknown subject', 'other', undefined, false, 'no subject'],
  ['an unknown version', 's', 9, false, 'no version'],
  ['a version that was deleted before', 's', 1, false, 'deleted before'],
  ['a version that is to be deleted first', 's', 2, true, 'not deleted first'],
  ['a subject that is to be deleted first', 's', undefined, true, 'not deleted first'],
] as const)('cannot delete %s', async (_title, subject, version, permanent, reason) => {
  const { registry } = registryOver();
  await registry.register('s', INT, signal);
  await registry.register('s', LONG, signal);
  await registry.delete('s', 1, false, signal);
  const error: unknown = await registry.delete(subject, version, permanent, signal).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UndeletableVersion);
  expect(error).toMatchObject({ reason });
});

test('a check that was overtaken is made again on the state that its record landed on', async () => {
  const inner = memoryTopic();
  const other = createLogSchemaStore(inner);
  let overtakes = 0;
  const registry = createLogSchemaStore({
    read: (offset, aborted) => inner.read(offset, aborted),
    // A source registers a new shape of the table between the check and the append.
    append: async (records, aborted) => {
      if (overtakes-- > 0) await other.register('s', STRING, signal);
      return inner.append(records, aborted);
    },
  });
  await registry.register('s', INT, signal);
  overtakes = 1;
  await expect(registry.registerChecked('s', LONG, signal)).rejects.toThrow(IncompatibleSchema);
  const seen = await createLogSchemaStore(inner).versions(signal);
  expect(seen.map(({ schema }) => schema)).not.toContain(LONG);
  expect(await registry.versions(signal)).toEqual(seen);
  expect(await other.versions(signal)).toEqual(seen);
});

test('a subject that others change all the time is a TransientError', async () => {
  const inner = memoryTopic();
  const other = createLogSchemaStore(inner);
  const registry = createLogSchemaStore({
    read: (offset, aborted) => inner.read(offset, aborted),
    append: async (records, aborted) => {
      await other.setLevel('s', 'NONE', signal);
      return inner.append(records, aborted);
    },
  });
  await expect(registry.registerChecked('s', INT, signal)).rejects.toThrow(TransientError);
});

test('a failed use of the topic does not hold up the next one, and an aborted caller does not begin', async () => {
  const inner = memoryTopic();
  let fails = 1;
  const registry = createLogSchemaStore({
    read: (offset, aborted) => inner.read(offset, aborted),
    append: (records, aborted) =>
      fails-- > 0 ? Promise.reject(new TransientError('Lost')) : inner.append(records, aborted),
  });
  await expect(registry.register('s', INT, signal)).rejects.toThrow('Lost');
  await expect(registry.register('s', INT, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  expect(await registry.register('s', INT, signal)).toBe(1);
});
