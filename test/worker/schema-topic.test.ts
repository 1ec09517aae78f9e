import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogSchemaStore } from '../../src/converter/registry/log-store.ts';
import { SCHEMAS_TOPIC } from '../../src/log/protocol/topics.ts';
import { openStateLog } from '../../src/worker/open-log.ts';
import { schemaTopic } from '../../src/worker/schema-topic.ts';

const { signal } = new AbortController();
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const schemaOf = (number: number): string => `{"type":"record","name":"R${number}","fields":[]}`;

test('registrations, deletes and levels are what they were when the log is opened again', async () => {
  const open = async (): Promise<unknown> => {
    await using log = await openStateLog(directory);
    const registry = createLogSchemaStore(schemaTopic(log, Date.now));
    return [
      await registry.versions(signal),
      await registry.level(undefined, signal),
      await registry.level('s', signal),
    ];
  };
  expect(await open()).toEqual([[], 'BACKWARD', undefined]);
  {
    await using log = await openStateLog(directory);
    const registry = createLogSchemaStore(schemaTopic(log, Date.now));
    await registry.setLevel(undefined, 'FULL', signal);
    await registry.setLevel('s', 'NONE', signal);
    await registry.register('s', schemaOf(1), signal);
    await registry.registerChecked('s', schemaOf(2), signal);
    await registry.registerChecked('s', schemaOf(3), signal);
    await registry.delete('s', 1, false, signal);
    await registry.delete('s', 1, true, signal);
    await registry.delete('s', 3, false, signal);
  }
  const subject = 's';
  expect(await open()).toEqual([
    [
      { subject, version: 2, id: 4, schema: schemaOf(2), deleted: false },
      { subject, version: 3, id: 5, schema: schemaOf(3), deleted: true },
    ],
    'FULL',
    'NONE',
  ]);
});

test('sources and the REST API change one topic at the same time, and agree on every id', async () => {
  await using log = await openStateLog(directory);
  const registries = Array.from({ length: 3 }, () => createLogSchemaStore(schemaTopic(log, Date.now)));
  const numbers = Array.from({ length: 12 }, (_, index) => index % 5);
  const given = await Promise.all(
    registries.flatMap((registry, which) =>
      numbers.map(async (number) => {
        const subject = `subject-${number}`;
        const id =
          which === 0
            ? (await registry.registerChecked(subject, schemaOf(number), signal)).id
            : await registry.register(subject, schemaOf(number), signal);
        return [number, id] as const;
      }),
    ),
  );
  const idOf = new Map(given);
  for (const [number, id] of given) expect(id).toBe(idOf.get(number));
  expect(new Set(idOf.values()).size).toBe(5);
  const [first, ...others] = await Promise.all(registries.map((registry) => registry.versions(signal)));
  expect(first?.map(({ version }) => version)).toEqual([1, 1, 1, 1, 1]);
  for (const other of others) expect(other).toEqual(first);
});

test('nothing is created until something is registered', async () => {
  await using log = await openStateLog(directory);
  const registry = createLogSchemaStore(schemaTopic(log, Date.now));
  await registry.versions(signal);
  expect(await log.topics([SCHEMAS_TOPIC], signal)).toEqual(new Map());
  await registry.register('s', schemaOf(1), signal);
  expect((await log.topics([SCHEMAS_TOPIC], signal)).get(SCHEMAS_TOPIC)).toMatchObject({ partitions: 1 });
});
