import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readEachFile } from '../../../src/connector/load-file.ts';
import { ConnectorSet } from '../../../src/worker/connectors/connector-set.ts';
import { FileControl } from '../../../src/worker/connectors/control.ts';
import { Folder } from '../../../src/worker/connectors/folder.ts';
import { ProblemLog } from '../../../src/worker/connectors/problem-log.ts';
import { RefusedChange } from '../../../src/worker/connectors/refused-change.ts';
import { TargetStates } from '../../../src/worker/connectors/target-states.ts';
import { FakePool, ToldLogger } from './fixture.ts';

const SINK = {
  'connector.class': 'PostgresSink',
  'connection.url': 'postgres://r@localhost/replica',
  'topic.prefix': 'p',
};

interface Stage extends AsyncDisposable {
  readonly control: FileControl;
  readonly set: ConnectorSet;
  readonly pool: FakePool;
  readonly logger: ToldLogger;
  readonly directory: string;
  readonly file: (name: string) => string;
  readonly put: (name: string, config: object, kind?: 'create' | 'replace' | 'patch') => Promise<boolean>;
  readonly state: (name: string) => string | undefined;
}

/** A control over a directory and a state of its own; `stateDirectory` that of an earlier one. */
async function stage(options: { readonly isReadOnly?: boolean; readonly root?: string } = {}): Promise<Stage> {
  const root = options.root ?? (await mkdtemp(join(tmpdir(), 'rowcast-control-')));
  const directory = join(root, 'connectors');
  await mkdir(directory, { recursive: true });
  const [pool, logger] = [new FakePool(), new ToldLogger()];
  const targets = await TargetStates.read(root);
  const env = { PASSWORD: 'canary' };
  const folder = new Folder(directory, () => readEachFile(directory, env));
  const target = (name: string): ReturnType<TargetStates['of']> => targets.of(name);
  const set = new ConnectorSet({ pool, logger, takeOver: false, onStart: () => {}, onRemoved: () => {}, target });
  const control = new FileControl({
    folder,
    set,
    targets,
    logger,
    env,
    problems: new ProblemLog(logger),
    isReadOnly: options.isReadOnly ?? false,
    isReady: () => true,
  });
  return {
    control,
    set,
    pool,
    logger,
    directory,
    file: (name) => join(directory, name),
    put: async (name, config, kind = 'replace') => {
      return (await control.put({ kind, name, config: config as Record<string, string> })).isNew;
    },
    state: (name) => {
      const view = set.views().find((each) => each.name === name);
      return view?.rests ?? view?.status?.state;
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function refused(work: Promise<unknown>): Promise<number> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RefusedChange);
  return (error as RefusedChange).status;
}

test('what is put runs, what is put again runs anew, what is removed does not', async () => {
  await using of = await stage();
  expect(await of.put('a', SINK)).toBe(true);
  await of.set.settled();
  expect(of.pool.running.has('a')).toBe(true);
  expect(await of.put('a', { ...SINK, 'max.fetch.bytes': '70000' })).toBe(false);
  await of.set.settled();
  expect(of.pool.what).toEqual({ a: 70_000 });
  await of.control.remove('a');
  expect([...of.pool.running]).toEqual([]);
  expect(of.set.views()).toEqual([]);
  expect(await readdir(of.directory)).toEqual([]);
  expect(await refused(of.control.remove('a'))).toBe(404);
  expect(of.pool.broken).toEqual([]);
});

test('a wrong config changes neither the file nor what runs', async () => {
  await using of = await stage();
  await of.put('a', SINK);
  const before = await readFile(of.file('a.json'), 'utf8');
  expect(await refused(of.put('a', { ...SINK, 'max.fetch.bytes': 'x' }))).toBe(400);
  expect(await refused(of.put('a', SINK, 'create'))).toBe(409);
  expect(await refused(of.put('b', SINK, 'patch'))).toBe(404);
  await of.set.settled();
  expect(await readFile(of.file('a.json'), 'utf8')).toBe(before);
  expect(await readdir(of.directory)).toEqual(['a.json']);
  expect(of.pool.starts).toHaveLength(1);
});

test('a file by hand keeps its name, its mode, its form and its secrets', async () => {
  await using of = await stage();
  const own = { 'max.fetch.bytes': 70_000, 'connection.password': '${env:PASSWORD}', ...SINK };
  await writeFile(of.file('by-hand.json'), JSON.stringify({ ...own, name: 'a' }), { mode: 0o640 });
  await chmod(of.file('by-hand.json'), 0o640);
  expect(await of.put('a', { 'max.fetch.bytes': '80000' }, 'patch')).toBe(false);
  expect(JSON.parse(await readFile(of.file('by-hand.json'), 'utf8'))).toEqual({
    ...own,
    'max.fetch.bytes': '80000',
    name: 'a',
  });
  expect((await stat(of.file('by-hand.json'))).mode & 0o777).toBe(0o640);
  expect(of.logger.lines.join('\n')).not.toContain('canary');
});

test('a change that a person has just made to the file is seen before it is changed', async () => {
  await using of = await stage();
  await of.put('a', { ...SINK, 'connection.password': 'old' });
  const newer = { ...SINK, 'connection.password': 'newer', 'max.fetch.bytes': '70000' };
  await writeFile(of.file('a.json'), JSON.stringify({ name: 'a', config: newer }));
  await of.put('a', { ...SINK, 'connection.password': '********' });
  expect(JSON.parse(await readFile(of.file('a.json'), 'utf8'))).toEqual({
    name: 'a',
    config: { ...SINK, 'connection.password': 'newer' },
  });
});

test('behind a link the file is written that it leads to', async () => {
  await using of = await stage();
  const real = join(of.directory, '..', 'real.json');
  await writeFile(real, JSON.stringify({ name: 'a', config: SINK }));
  await symlink(real, of.file('a.json'));
  await of.put('a', { ...SINK, 'max.fetch.bytes': '70000' });
  expect(await readFile(real, 'utf8')).toContain('"max.fetch.bytes": "70000"');
  expect((await readdir(of.directory, { withFileTypes: true }))[0]?.isSymbolicLink()).toBe(true);
});

test('what cannot be written is refused, and begins in no state', async () => {
  await using of = await stage();
  await mkdir(of.file('d.json'));
  expect(await refused(of.put('d', SINK))).toBe(500);
  await rm(of.directory, { recursive: true });
  await writeFile(of.directory, 'no directory');
  expect(await refused(of.control.put({ kind: 'create', name: 'a', config: SINK, initialState: 'STOPPED' }))).toBe(500);
});

test('what is paused stays so over changes, restarts of it and of the daemon, and until it is deleted', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rowcast-control-'));
  const first = await stage({ root });
  await first.control.put({ kind: 'create', name: 'a', config: SINK, initialState: 'PAUSED' });
  await first.put('b', { ...SINK, 'topic.prefix': 'q' });
  await first.set.settled();
  expect(first.pool.starts).toEqual(['b 4194304']);
  await first.control.setTarget('b', 'STOPPED');
  expect([...first.pool.running]).toEqual([]);
  await first.put('a', { ...SINK, 'max.fetch.bytes': '70000' });
  await first.control.restart('a');
  await first.set.settled();
  expect([first.state('a'), first.state('b'), first.pool.running.size]).toEqual(['PAUSED', 'STOPPED', 0]);

  await using second = await stage({ root });
  await second.control.setTarget('b', 'STOPPED'); // looks at the files first
  await second.set.settled();
  expect([second.state('a'), second.state('b'), second.pool.starts]).toEqual(['PAUSED', 'STOPPED', []]);
  await second.control.setTarget('a', 'RUNNING');
  await second.set.settled();
  expect(second.pool.starts).toEqual(['a 70000']);
  await second.control.remove('b');
  await second.put('b', { ...SINK, 'topic.prefix': 'q' });
  await second.set.settled();
  expect(second.pool.running.has('b')).toBe(true);
});

test('a connector that has failed is started anew by a restart, one without a valid file cannot be', async () => {
  await using of = await stage();
  await of.put('a', SINK);
  await of.set.settled();
  const task = of.pool.running.get('a');
  if (task) task.state = 'failed';
  await of.control.restart('a');
  await of.set.settled();
  expect(of.state('a')).toBe('streaming');
  expect(of.pool.starts).toHaveLength(2);
  await writeFile(of.file('b.json'), '{');
  expect(await refused(of.control.restart('b'))).toBe(500);
  expect(await refused(of.control.restart('c'))).toBe(404);
  await of.control.remove('b');
  expect(await readdir(of.directory)).toEqual(['a.json']);
});

test('read-only: nothing is written, the file is named, and pause works', async () => {
  await using of = await stage({ isReadOnly: true });
  await writeFile(of.file('by-hand.json'), JSON.stringify({ name: 'a', config: SINK }));
  await expect(of.put('a', SINK)).rejects.toThrow('change or remove');
  await expect(of.put('b', SINK)).rejects.toThrow('put a file into');
  expect(await refused(of.control.remove('a'))).toBe(403);
  await of.control.setTarget('a', 'PAUSED');
  await of.set.settled();
  expect(of.state('a')).toBe('PAUSED');
});

test('changes that come at once are made one after the other', async () => {
  await using of = await stage();
  const all = Array.from({ length: 20 }, (_, i) =>
    of.put('a', { ...SINK, 'max.fetch.bytes': String(70_000 + i) }, i === 0 ? 'create' : 'replace'),
  );
  expect(await Promise.all(all)).toEqual([true, ...Array.from({ length: 19 }, () => false)]);
  await of.set.settled();
  expect(of.pool.what).toEqual({ a: 70_019 });
  expect(of.pool.broken).toEqual([]);
});
