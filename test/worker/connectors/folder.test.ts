import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readEachFile } from '../../../src/connector/load-file.ts';
import type { Logger } from '../../../src/observe/logger.ts';
import { ConnectorSet } from '../../../src/worker/connectors/connector-set.ts';
import { firstLook } from '../../../src/worker/connectors/first-look.ts';
import { Folder, type Look } from '../../../src/worker/connectors/folder.ts';
import { followFolder } from '../../../src/worker/connectors/follow.ts';
import { ProblemLog } from '../../../src/worker/connectors/problem-log.ts';
import { FakePool, invalid, ToldLogger } from './fixture.ts';

let directory: string;
let secrets: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-folder-'));
  secrets = mkdtempSync(join(tmpdir(), 'rowcast-secrets-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  rmSync(secrets, { recursive: true });
});

function text(name: string, bytes: number, more: object = {}): string {
  const config = {
    'connector.class': 'PostgresSink',
    'connection.url': 'postgres://r@localhost/replica',
    'topic.prefix': 'shop',
    'max.fetch.bytes': String(bytes),
    ...more,
  };
  return JSON.stringify({ name, config });
}

function put(file: string, content: string): void {
  writeFileSync(join(directory, file), content);
}

function folderHere(): Folder {
  return new Folder(directory, () => readEachFile(directory, {}));
}

function names({ files }: Look): string[] {
  return files.map(({ file }) => basename(file));
}

test('a file that is gone counts as there for a moment, unless another one has its connector', () => {
  const folder = folderHere();
  put('a.json', text('a', 70_000));
  put('b.json', text('b', 70_000));
  folder.look(0);
  rmSync(join(directory, 'a.json'));
  renameSync(join(directory, 'b.json'), join(directory, 'c.json'));
  const look = folder.look(1000);
  expect(names(look)).toEqual(['a.json', 'c.json']);
  expect(look.againMs).toBeGreaterThan(0);
  expect(names(folder.look(1400))).toEqual(['a.json', 'c.json']);
  const later = folder.look(1500);
  expect(names(later)).toEqual(['c.json']);
  expect(later.againMs).toBeUndefined();
});

test('a look tells which files were written since the last one', () => {
  const folder = folderHere();
  put('a.json', text('a', 70_000));
  put('b.json', text('b', 70_000));
  folder.look(0);
  utimesSync(join(directory, 'a.json'), 5, 5);
  expect([...folder.look(1).touched].map((file) => basename(file))).toEqual(['a.json']);
  expect([...folder.look(2).touched]).toEqual([]);
});

test('at the start, files that cannot be used are told and the others go on; nothing valid is an error that lists everything', () => {
  const logger = new ToldLogger();
  const look = (isWatched: boolean): string[] => [
    ...firstLook(folderHere(), isWatched, new ProblemLog(logger), logger).connectors.keys(),
  ];
  expect(() => look(false)).toThrow(`${directory} has no connector files`);
  expect(look(true)).toEqual([]);
  expect(logger.lines.join()).toContain('no connector files yet, waiting for some');
  put('bad.json', '{');
  put('worse.json', '{"connector.class": "Nope"}');
  for (const isWatched of [true, false]) {
    expect(() => look(isWatched)).toThrow(/bad\.json: is not JSON[^]*worse\.json: connector\.class Nope is not known/);
  }
  put('good.json', text('good', 70_000));
  expect(look(true)).toEqual(['good']);
  expect(logger.lines.filter((line) => line.includes('cannot be used'))).toHaveLength(2);
  rmSync(directory, { recursive: true });
  expect(() => look(true)).toThrow('cannot be read');
});

test('what is wrong with a file is told once, when it has stayed so for a second, and when it is over', () => {
  const logger = new ToldLogger();
  const problems = new ProblemLog(logger);
  const bad = [{ name: 'a', raw: undefined, ...invalid('a.json') }] as Parameters<ProblemLog['tell']>[0];
  const runs = (): boolean => true;
  expect(problems.tell(bad, runs, 0)).toBeGreaterThan(0);
  problems.tell([], runs, 500);
  problems.tell(bad, runs, 900);
  problems.tell(bad, runs, 1800);
  expect(logger.lines).toEqual([]);
  expect(problems.tell(bad, runs, 1900)).toBeUndefined();
  problems.tell(bad, runs, 9000);
  problems.tell([], runs, 9100);
  expect(logger.lines).toHaveLength(2);
  expect(logger.lines[0]).toContain('until then its last valid configuration runs on');
  expect(logger.lines[1]).toContain('in order again');
});

interface Following extends AsyncDisposable {
  readonly pool: FakePool;
  readonly logger: ToldLogger;
}

/** Follows the directory as the daemon does, with a pool that does nothing. */
function following(): Following {
  const pool = new FakePool();
  const told = new ToldLogger();
  const logger: Logger = told;
  const set = new ConnectorSet({ pool, logger, takeOver: false, onStart: () => {}, onRemoved: () => {} });
  const stop = new AbortController();
  const problems = new ProblemLog(logger);
  const running = followFolder({ folder: folderHere(), set, problems, logger }, stop.signal);
  return {
    pool,
    logger: told,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

test('files that come, change and go are followed, and a half-written one stops nothing', async () => {
  await using here = following();
  put('a.json', text('a', 70_000));
  await expect.poll(() => here.pool.what).toEqual({ a: 70_000 });
  put('a.json', text('a', 71_000).slice(0, 40));
  put('b.json', text('b', 70_000));
  await expect.poll(() => here.pool.what).toEqual({ a: 70_000, b: 70_000 });
  put('a.json', text('a', 71_000));
  await expect.poll(() => here.pool.what).toEqual({ a: 71_000, b: 70_000 });
  rmSync(join(directory, 'b.json'));
  await expect.poll(() => here.pool.what, { timeout: 5000 }).toEqual({ a: 71_000 });
  expect(here.pool.starts).toEqual(['a 70000', 'b 70000', 'a 71000']);
});

test('a secret file that changes restarts who refers to it, without any change in the directory', async () => {
  const file = join(secrets, 'db.properties');
  writeFileSync(file, 'password=one\n');
  put('a.json', text('a', 70_000, { 'connection.password': `\${file:${file}:password}` }));
  put('b.json', text('b', 70_000));
  await using here = following();
  await expect.poll(() => here.pool.starts.length).toBe(2);
  writeFileSync(file, 'password=another\n');
  await expect.poll(() => here.pool.starts, { timeout: 10_000 }).toEqual(['a 70000', 'b 70000', 'a 70000']);
});

test('a mounted config map is followed through its links', async () => {
  const version = (name: string, bytes: number): string => {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'a.json'), text('a', bytes));
    return name;
  };
  symlinkSync(version('..one', 70_000), join(directory, '..data'));
  symlinkSync(join('..data', 'a.json'), join(directory, 'a.json'));
  await using here = following();
  await expect.poll(() => here.pool.what).toEqual({ a: 70_000 });
  symlinkSync(version('..two', 71_000), join(directory, '..next'));
  renameSync(join(directory, '..next'), join(directory, '..data'));
  await expect.poll(() => here.pool.what, { timeout: 5000 }).toEqual({ a: 71_000 });
  expect(here.pool.starts).toEqual(['a 70000', 'a 71000']);
});

test('a link that cannot be followed is the problem of its file alone', async () => {
  const closed = join(secrets, 'closed');
  mkdirSync(closed, { mode: 0 });
  symlinkSync('loop.json', join(directory, 'loop.json'));
  symlinkSync('x'.repeat(300), join(directory, 'endless.json'));
  symlinkSync(join(closed, 'a.json'), join(directory, 'closed.json')); // root finds nothing there, others may not look
  put('a.json', text('a', 70_000));
  const { files } = folderHere().look(0);
  expect(files.find(({ file }) => basename(file) === 'a.json')).toHaveProperty('connector');
  chmodSync(closed, 0o700);
  expect(files).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ problems: ['cannot be read: ELOOP'] }),
      expect.objectContaining({ problems: ['cannot be read: ENAMETOOLONG'] }),
    ]) as never,
  );
  await using here = following();
  await expect.poll(() => here.pool.what).toEqual({ a: 70_000 });
  rmSync(join(directory, 'loop.json'));
  put('b.json', text('b', 70_000));
  await expect.poll(() => here.pool.what).toEqual({ a: 70_000, b: 70_000 });
});

test('while the directory is gone everything runs on, and it is followed again when it is back', async () => {
  put('a.json', text('a', 70_000));
  await using here = following();
  await expect.poll(() => here.pool.what).toEqual({ a: 70_000 });
  renameSync(directory, `${directory}-away`);
  await expect.poll(() => here.logger.lines.join(), { timeout: 10_000 }).toContain('connector files cannot be read');
  expect(here.pool.what).toEqual({ a: 70_000 });
  mkdirSync(directory);
  put('a.json', text('a', 71_000));
  await expect.poll(() => here.pool.what, { timeout: 10_000 }).toEqual({ a: 71_000 });
  rmSync(`${directory}-away`, { recursive: true });
});
