import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConnectorFile, ReadFile } from '../../../src/connector/load-file.ts';
import { ConnectorSet } from '../../../src/worker/connectors/connector-set.ts';
import { wantedNow } from '../../../src/worker/connectors/wanted.ts';
import { FakePool, invalid, sink, source, ToldLogger, valid } from './fixture.ts';

interface Stage {
  readonly pool: FakePool;
  readonly logger: ToldLogger;
  readonly set: ConnectorSet;
  readonly removed: string[];
  look(...files: readonly (ConnectorFile | ReadFile)[]): void;
}

function stage(takeOver: boolean = false): Stage {
  const pool = new FakePool();
  const logger = new ToldLogger();
  const removed: string[] = [];
  const set = new ConnectorSet({
    pool,
    logger,
    takeOver,
    onStart: () => {},
    onRemoved: ({ name }) => removed.push(name),
  });
  const look = (...files: readonly (ConnectorFile | ReadFile)[]): void => {
    set.apply(
      wantedNow(
        set.wanted,
        files.map((each) => ('config' in each ? valid(each) : each)),
      ),
    );
  };
  return { pool, logger, set, removed, look };
}

test('white space, order, comments and spelled-out defaults do not restart, a changed setting does', async () => {
  const { pool, set, look } = stage();
  look(sink('a.json', 'a', 70_000));
  look(sink('a.json', 'a', 70_000, { _comment: 'said', 'delete.enabled': 'true', 'tasks.max': '1' }));
  await set.settled();
  expect(pool.starts).toEqual(['a 70000']);
  look(sink('a.json', 'a', 80_000));
  await set.settled();
  expect(pool.starts).toEqual(['a 70000', 'a 80000']);
});

test('a slow stop delays no other connector, and what was wanted last wins', async () => {
  const { pool, set, look } = stage();
  let release = (): void => {};
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  look(sink('a.json', 'a', 70_000), sink('b.json', 'b', 70_000));
  pool.stopping = (name) => (name === 'a' ? slow : Promise.resolve());
  look(sink('a.json', 'a', 71_000), sink('b.json', 'b', 71_000));
  look(sink('b.json', 'b', 72_000));
  look(sink('a.json', 'a', 73_000), sink('b.json', 'b', 73_000));
  await expect.poll(() => pool.what).toEqual({ a: 70_000, b: 73_000 });
  release();
  await set.settled();
  expect(pool.what).toEqual({ a: 73_000, b: 73_000 });
  expect(pool.broken).toEqual([]);
});

test('a removed source says what stays on its server and how it is removed', async () => {
  const { logger, set, look, removed } = stage();
  look(source('s.json', 'orders', 'orders_slot'));
  look();
  await set.settled();
  const told = logger.lines.find((line) => line.includes('connector removed'));
  for (const part of ['orders_slot', 'shop.*', 'rowcast delete orders --drop-slot', 'WAL'])
    expect(told).toContain(part);
  expect(removed).toEqual(['orders']);
  expect(set.views()).toEqual([]);
});

test('only the first start takes over', async () => {
  const { pool, set, look } = stage(true);
  look(sink('a.json', 'a', 70_000));
  expect(pool.running.get('a')?.takeOver).toBe(true);
  look(sink('a.json', 'a', 71_000), sink('b.json', 'b'));
  await set.settled();
  expect(pool.running.get('a')?.takeOver).toBe(false);
  expect(pool.running.get('b')?.takeOver).toBe(false);
});

test('a connector that has failed starts again when its file is written again, and only then', async () => {
  const { pool, set, look } = stage();
  look(sink('a.json', 'a', 70_000), sink('b.json', 'b', 70_000));
  for (const task of pool.running.values()) task.state = 'failed';
  look(sink('a.json', 'a', 70_000), sink('b.json', 'b', 70_000));
  await set.settled();
  expect(pool.starts).toEqual(['a 70000', 'b 70000']);
  set.apply(set.wanted, new Set(['a.json']));
  await set.settled();
  expect(pool.starts).toEqual(['a 70000', 'b 70000', 'a 70000']);
});

test('closing stops everything, removes nothing, and starts nothing any more', async () => {
  const { pool, set, look, logger } = stage();
  look(sink('a.json', 'a'), sink('b.json', 'b'));
  await set.close();
  look(sink('c.json', 'c'));
  expect(pool.what).toEqual({});
  expect(pool.starts).toHaveLength(2);
  expect(logger.lines.join()).not.toContain('removed');
});

test('a view shows the configuration that runs, what is wrong with its files, and no secret', async () => {
  const { set, look } = stage();
  look(sink('a.json', 'a', 70_000, { 'connection.password': 'canary' }), invalid('z.json'));
  look(invalid('a.json', 'is not JSON'), sink('b.json', 'a'), invalid('z.json'));
  const views = set.views();
  expect(views).toMatchObject([
    {
      name: 'a',
      kind: 'sink',
      file: 'a.json',
      config: { 'max.fetch.bytes': '70000' },
      status: { state: 'streaming' },
      problems: ['a.json: is not JSON', expect.stringContaining('b.json: a.json already has the name "a"')],
    },
    { name: 'z', kind: undefined, file: 'z.json', status: undefined, problems: ['z.json: is not JSON'] },
  ]);
  expect(JSON.stringify(views)).not.toContain('canary');
});

test('ended resolves when every connector has ended by itself', async () => {
  const { pool, set, look } = stage();
  look(sink('a.json', 'a'), sink('b.json', 'b'));
  const ended = set.ended().then(() => 'ended');
  pool.running.get('a')?.end();
  expect(await Promise.race([ended, set.settled().then(() => 'not yet')])).toBe('not yet');
  pool.running.get('b')?.end();
  expect(await ended).toBe('ended');
});

/** One random change of the files. */
type Step =
  | { readonly kind: 'write'; readonly file: number; readonly name: number; readonly bytes: number }
  | { readonly kind: 'break' | 'remove'; readonly file: number }
  | { readonly kind: 'rename'; readonly file: number; readonly to: number }
  | { readonly kind: 'wait' };

const FILES = ['a.json', 'b.json', 'c.json', 'd.json'] as const;
const NAMES = ['x', 'y', 'z'] as const;
const file = fc.nat(FILES.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      file,
      name: fc.nat(NAMES.length - 1),
      bytes: fc.integer({ min: 70_000, max: 70_003 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('break' as const, 'remove' as const), file }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), file, to: file }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
);

/** The files as a person thinks of them: what each was when it was last valid, and which file has a name. */
class Model {
  readonly files = new Map<string, { name: string; bytes: number } | undefined>();
  readonly broken = new Set<string>();
  readonly owners = new Map<string, string>();
  #running: ReadonlyMap<string, number> = new Map();

  apply(change: Step): void {
    if (change.kind === 'wait') return;
    const path = FILES[change.file] as string;
    if (change.kind === 'write') {
      this.files.set(path, { name: NAMES[change.name] as string, bytes: change.bytes });
      this.broken.delete(path);
    } else if (change.kind === 'break') {
      this.files.set(path, this.files.get(path));
      this.broken.add(path);
    } else if (change.kind === 'remove') {
      this.files.delete(path);
      this.broken.delete(path);
    } else this.#rename(path, FILES[change.to] as string);
    this.#settle();
  }

  /** A renamed file stays who it is; one that is broken is seen for the first time under its new name. */
  #rename(from: string, to: string): void {
    if (!this.files.has(from) || this.files.has(to)) return;
    const content = this.broken.has(from) ? undefined : this.files.get(from);
    for (const [name, owner] of this.owners) if (owner === from && content) this.owners.set(name, to);
    this.files.delete(from);
    this.files.set(to, content);
    if (this.broken.delete(from)) this.broken.add(to);
  }

  #settle(): void {
    for (const [name, owner] of this.owners) if (this.files.get(owner)?.name !== name) this.owners.delete(name);
    for (const name of NAMES) {
      if (this.owners.has(name)) continue;
      const candidates = [...this.files.keys()].sort().filter((path) => this.files.get(path)?.name === name);
      const like = candidates.find((path) => this.files.get(path)?.bytes === this.#running.get(name));
      const owner = like ?? candidates[0];
      if (owner !== undefined) this.owners.set(name, owner);
    }
    this.#running = new Map(Object.entries(this.what));
  }

  reads(): ReadFile[] {
    return [...this.files.keys()].sort().map((path) => {
      const content = this.files.get(path);
      return this.broken.has(path) || !content ? invalid(path) : valid(sink(path, content.name, content.bytes));
    });
  }

  get what(): Record<string, number> {
    const running = [...this.owners].map(([name, owner]): [string, number] => [
      name,
      this.files.get(owner)?.bytes ?? 0,
    ]);
    return Object.fromEntries(running.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

test('whatever happens to the files, what runs in the end is the last valid configuration of each, never twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.nat(4)), async (steps, delays) => {
      const { pool, set, look } = stage();
      const model = new Model();
      pool.stopping = async () => {
        for (let turns = delays.next().value ?? 0; turns > 0; turns--) await Promise.resolve();
      };
      for (const change of steps) {
        if (change.kind === 'wait') await set.settled();
        model.apply(change);
        look(...model.reads());
      }
      await set.settled();
      expect(pool.what).toEqual(model.what);
      expect(pool.broken).toEqual([]);
      const starts = pool.starts.length;
      look(...model.reads());
      await set.settled();
      expect(pool.starts).toHaveLength(starts);
    }),
    { numRuns: 300 },
  );
});
