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
  readonly look: (...files: readonly (ConnectorFile | ReadFile)[]) => void;
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

test('a take-over that was not carried out yet is asked for again', async () => {
  const { pool, set, look } = stage(true);
  pool.claims = false;
  look(sink('a.json', 'a', 70_000));
  look(sink('a.json', 'a', 71_000));
  await set.settled();
  expect(pool.running.get('a')?.takeOver).toBe(true);
  pool.claims = true;
  look(sink('a.json', 'a', 72_000));
  await set.settled();
  expect(pool.running.get('a')?.takeOver).toBe(false);
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

test('while something is done to a connector it does not run, and then it runs as its file is by then', async () => {
  const { pool, set, look, logger } = stage();
  look(sink('a.json', 'a', 70_000), sink('b.json', 'b', 70_000));
  const done = await set.whileStopped('a', async () => {
    expect(pool.what).toEqual({ b: 70_000 });
    look(sink('a.json', 'a', 71_000), sink('b.json', 'b', 71_000));
    await set.settled();
    expect(pool.what).toEqual({ b: 71_000 });
    return 'done';
  });
  await set.settled();
  expect(done).toBe('done');
  expect(pool.what).toEqual({ a: 71_000, b: 71_000 });
  expect(logger.lines.join()).not.toContain('removed');
  await expect(set.whileStopped('a', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  await set.settled();
  expect(pool.what).toEqual({ a: 71_000, b: 71_000 });
});

test('a deleted connector stays stopped until its file is written again, and does not come back by itself', async () => {
  const { pool, set, look, logger } = stage();
  look(sink('a.json', 'a', 70_000));
  await set.deleting('a', async () => {});
  look(sink('a.json', 'a', 70_000));
  await set.settled();
  expect(pool.what).toEqual({});
  expect(set.views()).toMatchObject([
    { name: 'a', isDeleted: true, problems: [], warnings: [expect.stringContaining('It was deleted')] },
  ]);
  expect(logger.lines.join()).not.toContain('nothing was deleted');
  set.apply(set.wanted, new Set(['a.json']));
  await set.settled();
  expect(pool.what).toEqual({ a: 70_000 });
});

test('what was removed is known until it is deleted too', async () => {
  const { set, look } = stage();
  look(sink('a.json', 'a'));
  look();
  await set.settled();
  expect(set.known().map(({ name }) => name)).toEqual(['a']);
  await set.deleting('a', async () => {});
  expect(set.known()).toEqual([]);
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

interface Content {
  readonly name: string;
  readonly bytes: number;
}

const FILES = ['a.json', 'b.json', 'c.json', 'd.json'] as const;
const NAMES = ['x', 'y', 'z'] as const;
const file = fc.nat(FILES.length - 1);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
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
  ),
  { maxLength: 40 },
);

/** Files as they are on disk: a content, or something that is broken. */
class Disk {
  readonly files = new Map<string, Content | 'broken'>();

  write(path: string, content: Content | 'broken'): void {
    this.files.set(path, content);
  }

  rename(from: string, to: string): boolean {
    const content = this.files.get(from);
    if (content === undefined || this.files.has(to)) return false;
    this.files.delete(from);
    this.files.set(to, content);
    return true;
  }

  reads(): ReadFile[] {
    return [...this.files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, content]) => {
        return content === 'broken' ? invalid(path) : valid(sink(path, content.name, content.bytes));
      });
  }
}

/** Carries the steps out, each seen by the set, with stops of any length; returns when all is settled. */
async function play(
  all: readonly Step[],
  delays: Iterator<number>,
  nameOf: (step: { readonly file: number; readonly name: number }) => string,
  onStep: (change: Step, disk: Disk, done: boolean) => void,
): Promise<Stage & { readonly disk: Disk }> {
  const played = stage();
  const { pool, set, look } = played;
  const disk = new Disk();
  pool.stopping = async () => {
    for (let turns = Number(delays.next().value ?? 0); turns > 0; turns--) await Promise.resolve();
  };
  for (const change of all) {
    if (change.kind === 'wait') {
      await set.settled();
      continue;
    }
    const path = FILES[change.file] as string;
    let isDone = true;
    if (change.kind === 'write') disk.write(path, { name: nameOf(change), bytes: change.bytes });
    if (change.kind === 'break') disk.write(path, 'broken');
    if (change.kind === 'remove') isDone = disk.files.delete(path);
    if (change.kind === 'rename') isDone = disk.rename(path, FILES[change.to] as string);
    onStep(change, disk, isDone);
    look(...disk.reads());
  }
  await set.settled();
  const before = pool.starts.length;
  look(...disk.reads());
  await set.settled();
  expect(pool.starts).toHaveLength(before);
  expect(pool.broken).toEqual([]);
  return { ...played, disk };
}

function sorted(contents: Iterable<Content>): Record<string, number> {
  const entries = [...contents].map(({ name, bytes }): [string, number] => [name, bytes]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('whatever happens to the files, what runs in the end is the last valid configuration of each, never twice', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.nat(4)), async (all, delays) => {
      // Every file has a name of its own, which a rename takes along.
      const last = new Map<string, Content>();
      const nameIn = new Map<number, string>();
      let names = 0;
      const nameOf = ({ file: number }: { readonly file: number }): string => {
        const known = nameIn.get(number) ?? `n${names++}`;
        nameIn.set(number, known);
        return known;
      };
      const { pool } = await play(all, delays, nameOf, (change, disk, isDone) => {
        if (change.kind === 'wait' || !isDone) return;
        const path = FILES[change.file] as string;
        const content = disk.files.get(path);
        if (change.kind === 'write') last.set(path, content as Content);
        if (change.kind === 'break') return;
        if (change.kind === 'remove') {
          last.delete(path);
          nameIn.delete(change.file);
        }
        if (change.kind === 'rename') {
          const to = FILES[change.to] as string;
          const moved = disk.files.get(to);
          last.delete(path);
          // Of a broken file nobody can know what it was under its other name.
          if (moved !== undefined && moved !== 'broken') last.set(to, moved);
          nameIn.set(change.to, nameIn.get(change.file) ?? `n${names++}`);
          nameIn.delete(change.file);
        }
      });
      expect(pool.what).toEqual(sorted(last.values()));
    }),
    { numRuns: 300 },
  );
});

test('when several files have one name, one of them runs, and goes on when all files break', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.nat(4)), async (all, delays) => {
      const { pool, set, disk } = await play(
        all,
        delays,
        ({ name }) => NAMES[name] as string,
        () => {},
      );
      const contents = [...disk.files.values()].filter((each) => each !== 'broken');
      const isUnique = new Set(contents.map(({ name }) => name)).size === contents.length;
      if (isUnique && contents.length === disk.files.size) expect(pool.what).toEqual(sorted(contents));
      if (contents.length === disk.files.size) {
        for (const { name } of contents) expect(pool.what).toHaveProperty(name);
      }
      for (const { file: path } of set.wanted.connectors.values()) expect([...disk.files.keys()]).toContain(path);
      expect(Object.keys(pool.what)).toEqual([...set.wanted.connectors.keys()].sort());
      const before = pool.what;
      for (const [path] of disk.files) disk.write(path, 'broken');
      set.apply(wantedNow(set.wanted, disk.reads()));
      await set.settled();
      expect(pool.what).toEqual(before);
    }),
    { numRuns: 300 },
  );
});

test('a connector that an operator lets rest does not run, has not ended, and goes on when it is told to', async () => {
  const pool = new FakePool();
  let target: 'RUNNING' | 'PAUSED' = 'PAUSED';
  const set = new ConnectorSet({
    pool,
    logger: new ToldLogger(),
    takeOver: false,
    onStart: () => {},
    onRemoved: () => {},
    target: () => target,
  });
  set.apply(wantedNow(set.wanted, [valid(sink('a.json', 'a', 70_000))]));
  await set.settled();
  expect([pool.starts, set.views()[0]?.rests, set.task('a')]).toEqual([[], 'PAUSED', undefined]);
  let hasEnded = false;
  const ended = set.ended().then(() => (hasEnded = true));
  target = 'RUNNING';
  set.retarget('a');
  await set.settled();
  expect([pool.starts, hasEnded, set.views()[0]?.rests]).toEqual([['a 70000'], false, undefined]);
  target = 'PAUSED';
  set.retarget('a');
  await set.settled();
  await new Promise((resolve) => setImmediate(resolve));
  expect([pool.running.size, hasEnded]).toEqual([0, false]); // stopped by an operator, not by itself
  target = 'RUNNING';
  set.retarget('a');
  await set.settled();
  pool.running.get('a')?.end();
  await ended;
  expect(pool.starts).toHaveLength(2);
});
