import { mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEachFile } from '../../../src/connector/load-file.ts';
import { ConnectorSet } from '../../../src/worker/connectors/connector-set.ts';
import { FileControl } from '../../../src/worker/connectors/control.ts';
import { Folder } from '../../../src/worker/connectors/folder.ts';
import { ProblemLog } from '../../../src/worker/connectors/problem-log.ts';
import { RefusedChange } from '../../../src/worker/connectors/refused-change.ts';
import { TargetStates } from '../../../src/worker/connectors/target-states.ts';
import { FakePool, ToldLogger } from './fixture.ts';

const NAMES = ['a', 'b', 'c'] as const;
type Name = (typeof NAMES)[number];

type Step =
  | { readonly kind: 'create' | 'replace' | 'patch' | 'edit'; readonly name: Name; readonly bytes: number }
  | {
      readonly kind: 'remove' | 'PAUSED' | 'STOPPED' | 'RUNNING' | 'restart' | 'unlink' | 'spoil';
      readonly name: Name;
    };

const name = fc.constantFrom(...NAMES);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('create', 'replace', 'patch', 'edit'),
    name,
    bytes: fc.integer({ min: 70_000, max: 70_005 }),
  }),
  fc.record({ kind: fc.constantFrom('remove', 'PAUSED', 'STOPPED', 'RUNNING', 'restart', 'unlink', 'spoil'), name }),
);

function config(of: Name, bytes: number): Record<string, string> {
  const url = 'postgres://r:canary@localhost/replica';
  return {
    'connector.class': 'PostgresSink',
    'connection.url': url,
    'topic.prefix': of,
    'max.fetch.bytes': String(bytes),
  };
}

/** A daemon's connectors over one directory. A file that is gone counts as gone at once: time is not waited for. */
async function daemon(
  root: string,
): Promise<{ control: FileControl; set: ConnectorSet; pool: FakePool; targets: TargetStates }> {
  const pool = new FakePool();
  const logger = new ToldLogger();
  const targets = await TargetStates.read(root);
  const directory = join(root, 'connectors');
  const folder = new Folder(directory, () => readEachFile(directory, {}));
  const target = (of: string): ReturnType<TargetStates['of']> => targets.of(of);
  const set = new ConnectorSet({ pool, logger, takeOver: false, onStart: () => {}, onRemoved: () => {}, target });
  const problems = new ProblemLog(logger);
  const options = { folder, set, targets, logger, problems, env: {}, isReadOnly: false, isReady: () => true };
  return { control: new FileControl(options), set, pool, targets };
}

/** One step, by REST or by hand; a refusal is an answer. */
async function take(control: FileControl, directory: string, each: Step): Promise<void> {
  const file = join(directory, `${each.name}.json`);
  switch (each.kind) {
    case 'create':
    case 'replace':
      await control.put({ kind: each.kind, name: each.name, config: config(each.name, each.bytes) });
      return;
    case 'patch':
      await control.put({ kind: 'patch', name: each.name, config: { 'max.fetch.bytes': String(each.bytes) } });
      return;
    case 'edit':
      return await writeFile(file, JSON.stringify({ name: each.name, config: config(each.name, each.bytes) }));
    case 'remove':
      return await control.remove(each.name);
    case 'restart':
      return await control.restart(each.name);
    case 'unlink':
      return await unlink(file).catch(() => {});
    case 'spoil':
      return await writeFile(file, '{');
    case 'PAUSED':
    case 'STOPPED':
    case 'RUNNING':
      return await control.setTarget(each.name, each.kind);
    default:
      return each satisfies never;
  }
}

test('whatever is asked at once and edited meanwhile, what runs is what the files and the operator say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 8 }), async (rounds) => {
      const root = await mkdtemp(join(tmpdir(), 'rowcast-model-'));
      const directory = join(root, 'connectors');
      await mkdir(directory);
      const { control, set, pool, targets } = await daemon(root);
      for (const round of rounds) {
        await Promise.all(
          round.map((each) =>
            take(control, directory, each).catch((error: unknown) => {
              if (!(error instanceof RefusedChange)) throw error;
            }),
          ),
        );
      }
      await control.forget('nobody'); // everything before has been carried out
      await control.setTarget('nobody', 'RUNNING').catch(() => {}); // and the files were looked at
      await set.settled();
      expect(pool.broken).toEqual([]);
      const wanted = [...set.wanted.connectors.values()].filter((each) => targets.of(each.name) === 'RUNNING');
      expect(Object.keys(pool.what)).toEqual(wanted.map((each) => each.name).sort());
      for (const file of await readdir(directory)) {
        expect(file).toMatch(/^[abc](-2)?\.json$/); // two files when a person creates one at the same moment
        const text = await readFile(join(directory, file), 'utf8');
        if (text === '{') continue;
        const stored = JSON.parse(text) as { name: Name; config: Record<string, string> };
        expect(stored.config['connection.url']).toBe('postgres://r:canary@localhost/replica');
        const isUsed = set.wanted.connectors.get(stored.name)?.file === join(directory, file);
        if (targets.of(stored.name) !== 'RUNNING' || !isUsed) continue;
        expect(pool.what[stored.name]).toBe(Number(stored.config['max.fetch.bytes']));
      }
      await rm(root, { recursive: true });
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
