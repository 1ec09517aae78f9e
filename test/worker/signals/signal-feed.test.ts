import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SignalFeed } from '../../../src/worker/signals/signal-feed.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { execute, FakeSource, Told } from './fake-source.ts';

let directory: string;
let file: string;
let told: Told;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rowcast-signals-'));
  file = join(directory, 'signals.txt');
  told = new Told();
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

async function listening(source: FakeSource, work: (feed: SignalFeed) => Promise<void>): Promise<void> {
  const feed = new SignalFeed({
    connector: 'shop',
    logger: told,
    clock: systemClock,
    topic: undefined,
    file,
    intervalMs: 10,
  });
  const stop = new AbortController();
  const ended = feed.listen(source, stop.signal);
  try {
    await work(feed);
  } finally {
    stop.abort();
    await ended;
  }
}

const names = (source: FakeSource) =>
  source.asked.map((each) => (each.kind === 'execute' ? each.tables.map(({ name }) => name).join() : each.kind));

test('lines of a file are carried out in their order, and taken out of it', async () => {
  const source = new FakeSource();
  source.refusals = 2; // as before the stream has begun
  await writeFile(file, `${execute('1', 'a')}\n\n${execute('2', 'b', 'c')}\n{"type":"pause-snapshot"}`);
  await listening(source, async () => {
    await expect.poll(() => names(source)).toEqual(['a', 'b,c', 'pause']);
    await appendFile(file, `{"type":"resume-snapshot"}\n`);
    await expect.poll(() => names(source).at(-1)).toBe('resume');
    await expect.poll(() => readdir(directory)).toEqual([]);
  });
  expect(source.asked[0]).toMatchObject({ id: expect.stringMatching(/^file:[0-9a-f]{12} 1$/) as unknown });
});

test('sequences are synchronised by a line of a file, and for who asks and waits, again when the source has ended meanwhile', async () => {
  const source = new FakeSource();
  await writeFile(file, `{"id":"cut-over","type":"sync-sequences"}\n`);
  await listening(source, async (feed) => {
    await expect.poll(() => source.synced).toBe(1);
    source.refusals = 1;
    const { signal } = new AbortController();
    await feed.ask({ id: undefined, type: 'sync-sequences', data: {}, place: 'rest:1' }, signal);
  });
  expect(source.synced).toBe(2);
  expect(told.lines.map(({ fact, id }) => [fact, id])).toEqual([
    ['signal carried out: sync sequences', 'cut-over'],
    ['signal carried out: sync sequences', undefined],
  ]);
});

test('what a killed process has taken and not carried out is carried out', async () => {
  const source = new FakeSource();
  await writeFile(`${file}.taken`, `${execute('1', 'a')}\n`);
  await writeFile(file, `${execute('2', 'b')}\n`);
  await listening(source, async () => await expect.poll(() => names(source)).toEqual(['a', 'b']));
});

test('a malformed signal is told with its id and the reason, and changes nothing', async () => {
  const source = new FakeSource();
  const wrong = JSON.stringify({ id: 'w', type: 'execute-snapshot', data: { 'data-collections': ['public.gone'] } });
  await writeFile(
    file,
    `not json\n${wrong}\n{"id":"l","type":"log","data":{"message":"at {}"}}\n${execute('3', 'c')}\n`,
  );
  await listening(source, async () => await expect.poll(() => names(source)).toEqual(['c']));
  expect(told.lines.map(({ fact, id, reason, message }) => [fact, id, reason ?? message])).toEqual([
    ['signal is not carried out', undefined, expect.stringContaining('It has no type')],
    ['signal is not carried out', 'w', expect.stringContaining('names no captured table')],
    ['signal', 'l', 'at 0000000000000010'],
    ['signal carried out: execute snapshot', '3', undefined],
  ]);
  expect(JSON.stringify(told.lines)).not.toContain('not json');
});

test('a file that cannot be read is told of once, and the stream goes on', async () => {
  file = join(directory, 'x'.repeat(300));
  await listening(new FakeSource(), async () => {
    await expect.poll(() => told.lines.length).toBe(1);
    await systemClock.sleep(50, new AbortController().signal);
  });
  expect(told.lines).toMatchObject([{ fact: 'signal file cannot be read', connector: 'shop' }]);
});

test('who asks hears when it stands in the log, or why it cannot be done', async () => {
  const source = new FakeSource();
  source.refusals = 1;
  const { signal } = new AbortController();
  const raw = (tables: string[]) => ({
    id: undefined,
    type: 'execute-snapshot',
    data: { 'data-collections': tables },
    place: 'rest:1',
  });
  let feed: SignalFeed | undefined;
  await listening(source, async (open) => {
    feed = open;
    await open.ask(raw(['public.a']), signal);
    expect(names(source)).toEqual(['a']);
    await expect(open.ask(raw(['public.z']), signal)).rejects.toThrow('names no captured table');
  });
  await expect(feed?.ask(raw(['public.a']), signal)).rejects.toThrow('Connector "shop" does not stream');
});
