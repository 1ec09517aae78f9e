import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { expect, test } from 'vitest';
import { DaemonClock } from '../../src/torture/daemon-clock.ts';

const HOUR_MS = 3_600_000;

/** Says again and again how far its time of day is off, by all the ways to ask for it, and what the other clocks and timers make of it; in a thread too. */
const PROGRAM = /* js */ `
  import { isMainThread, Worker } from 'node:worker_threads';
  import { writeSync } from 'node:fs';
  const real = () => performance.timeOrigin + performance.now();
  const hours = (ms) => Math.round((ms - real()) / ${HOUR_MS});
  if (isMainThread) new Worker(new URL(import.meta.url));
  setInterval(() => {
    const date = new Date();
    const asked = [Date.now(), date.getTime(), new Date(Date()).getTime(), Date.parse(date.toISOString())].map(hours);
    const isDate = date instanceof Date && date.constructor === Date && new Date(5).getTime() === 5 && Date.UTC(1970, 0) === 0;
    writeSync(1, JSON.stringify({ thread: isMainThread ? 'main' : 'worker', asked, isDate }) + '\\n');
  }, 20);`;

test('a clock that is set shifts the time of day in every thread, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rowcast clock-'));
  const clock = new DaemonClock(folder);
  const source = await readFile(new URL('../../src/torture/shifted-clock.ts', import.meta.url), 'utf8');
  const loaded = join(folder, 'shifted-clock.mjs');
  await writeFile(loaded, (await transform(source, { loader: 'ts', format: 'esm' })).code);
  // As it is built it lies beside the program.
  const { search } = new URL(clock.option.slice('--import='.length));
  const program = join(folder, 'program.mjs');
  await writeFile(program, PROGRAM);
  const child = spawn(process.execPath, [program], {
    env: { NODE_OPTIONS: `--import=${pathToFileURL(loaded).href}${search}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const last = new Map<string, unknown>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { thread, ...said } = JSON.parse(line) as { thread: string };
      last.set(thread, said);
    });
    const both = (hours: number): Map<string, unknown> => {
      const said = { asked: [hours, hours, hours, hours], isDate: true };
      return new Map(['main', 'worker'].map((thread) => [thread, said]));
    };
    const soon = { timeout: 20_000 };
    await expect.poll(() => last, soon).toEqual(both(0));
    await clock.jump(-5 * HOUR_MS);
    await expect.poll(() => last, soon).toEqual(both(-5));
    await clock.jump(29 * HOUR_MS);
    await expect.poll(() => last, soon).toEqual(both(24));
    expect(Math.round((clock.now - Date.now()) / HOUR_MS)).toBe(24);
  } finally {
    child.kill();
    await exited;
    await rm(folder, { recursive: true });
  }
});
