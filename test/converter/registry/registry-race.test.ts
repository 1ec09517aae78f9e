import fc from 'fast-check';
import { expect, test } from 'vitest';
import { incompatibilities } from '../../../src/converter/registry/compatibility.ts';
import { createLogSchemaStore } from '../../../src/converter/registry/log-store.ts';
import {
  COMPATIBILITY_LEVELS,
  type CompatibilityLevel,
  IncompatibleSchema,
  type Registry,
  UndeletableVersion,
} from '../../../src/converter/registry/registry.ts';
import { RegistryState } from '../../../src/converter/registry/registry-state.ts';
import { decodeRecord } from '../../../src/converter/registry/schema-record.ts';
import { TransientError } from '../../../src/errors.ts';
import { type MemoryTopic, memoryTopic } from './memory-topic.ts';

const { signal } = new AbortController();
const schemas = ['int', 'long', 'double', 'string'].map(
  (type) => `{"type":"record","name":"R","fields":[{"name":"a","type":"${type}"}]}`,
);

type Step =
  | { kind: 'register' | 'registerChecked'; subject: string; schema: string }
  | { kind: 'delete'; subject: string; version: number | undefined; permanent: boolean }
  | { kind: 'setLevel'; subject: string | undefined; level: CompatibilityLevel | undefined };

const subject = fc.constantFrom('s', 't');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('register' as const), subject, schema: fc.constantFrom(...schemas) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('registerChecked' as const),
      subject,
      schema: fc.constantFrom(...schemas),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      subject,
      version: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      permanent: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('setLevel' as const),
      subject: fc.option(subject, { nil: undefined }),
      level: fc.option(fc.constantFrom(...COMPATIBILITY_LEVELS), { nil: undefined }),
    }),
  },
);

/** What a daemon was told: these must never contradict each other. */
interface Told {
  readonly ids: [id: number, schema: string][];
  readonly versions: [subject: string, version: number, schema: string][];
}

async function take(registry: Registry, each: Step, told: Told): Promise<void> {
  switch (each.kind) {
    case 'register':
      told.ids.push([await registry.register(each.subject, each.schema, signal), each.schema]);
      return;
    case 'registerChecked': {
      const made = await registry.registerChecked(each.subject, each.schema, signal);
      told.ids.push([made.id, each.schema]);
      told.versions.push([each.subject, made.version, each.schema]);
      return;
    }
    case 'delete':
      await registry.delete(each.subject, each.version, each.permanent, signal);
      return;
    case 'setLevel':
      await registry.setLevel(each.subject, each.level, signal);
  }
}

async function daemon(topic: MemoryTopic, steps: readonly Step[], told: Told): Promise<Registry> {
  const registry = createLogSchemaStore(topic);
  for (const each of steps) {
    await take(registry, each, told).catch((error: unknown) => {
      const expected = [IncompatibleSchema, UndeletableVersion, TransientError].some((kind) => error instanceof kind);
      if (!expected) throw error;
    });
  }
  return registry;
}

/** Every version ever given, from the records alone; throws when a checked one was not compatible where it landed. */
function history(topic: MemoryTopic): [subject: string, version: number, schema: string][] {
  const state = new RegistryState();
  const given: [string, number, string][] = [];
  for (const { offset, value } of topic.records) {
    const record = decodeRecord(offset, value);
    const live = record.kind === 'register checked' ? state.live(record.subject).map(({ schema }) => schema) : [];
    const level =
      (record.kind === 'register checked' ? state.level(record.subject) : undefined) ?? state.level(undefined);
    state.apply(offset, record);
    const made = state.versionAt(offset);
    if (made === undefined) continue;
    given.push([made.subject, made.version, made.schema]);
    if (record.kind === 'register checked') {
      expect(incompatibilities(record.schema, live, level as CompatibilityLevel)).toEqual([]);
    }
  }
  return given;
}

function expectFunction(pairs: readonly (readonly [string | number, unknown])[]): void {
  const seen = new Map<string | number, unknown>();
  for (const [key, value] of pairs) {
    if (seen.has(key)) expect(seen.get(key)).toEqual(value);
    seen.set(key, value);
  }
}

test('daemons that race never get two schemas with one id, two versions with one number, or a check that did not hold', async () => {
  const plan = fc.array(fc.array(step, { maxLength: 6 }), { minLength: 2, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(plan, fc.scheduler(), async (steps, scheduler) => {
      const topic = memoryTopic(() => scheduler.schedule(Promise.resolve()));
      const told: Told = { ids: [], versions: [] };
      const daemons = Promise.all(steps.map((mine) => daemon(topic, mine, told)));
      await scheduler.waitFor(daemons);
      expectFunction(told.ids);
      expectFunction(told.ids.map(([id, schema]) => [schema, id]));

      const given = history(topic);
      expect(new Set(given.map(([name, version]) => `${name} ${version}`)).size).toBe(given.length);
      for (const each of told.versions) expect(given).toContainEqual(each);

      const fresh = await scheduler.waitFor(createLogSchemaStore(topic).versions(signal));
      for (const registry of await daemons) {
        expect(await scheduler.waitFor(registry.versions(signal))).toEqual(fresh);
        for (const [id, schema] of told.ids) {
          expect(await scheduler.waitFor(registry.byId(id, signal))).toBe(schema);
        }
      }
    }),
    { numRuns: 300 },
  );
});
