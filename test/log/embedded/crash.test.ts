import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build, type PluginBuild } from 'esbuild';
import { expect, test } from 'vitest';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { readOn, textOf } from '../records.ts';
import { newDirectory } from './directory.ts';

const KILLS = 20;
const signal: AbortSignal = new AbortController().signal;

/** The child as one file of plain JavaScript, so that it starts without a build of the project. */
async function bundle(): Promise<string> {
  const outfile = join(await newDirectory(), 'crash-child.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'crash-child.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [{ name: 'native module', setup: leaveNativeModuleOut }],
  });
  return outfile;
}

/** A native module cannot be bundled: it is loaded from where it is installed. */
function leaveNativeModuleOut(bundler: PluginBuild): void {
  const path = pathToFileURL(createRequire(import.meta.url).resolve('@node-rs/crc32')).href;
  bundler.onResolve({ filter: /^@node-rs\/crc32$/ }, () => ({ path, external: true }));
}

/** Lets the child append for a while and kills it; the last commit that it was told is stored, or -1. */
async function killedAppender(script: string, directory: string, ms: number): Promise<number> {
  const child = fork(script, [directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  let acknowledged = -1;
  child.on('message', (i) => (acknowledged = i as number));
  await Promise.race([once(child, 'message'), exited]);
  await sleep(ms);
  child.kill('SIGKILL');
  const [, killedBy] = (await exited) as [number | null, string | null];
  expect(killedBy).toBe('SIGKILL');
  return acknowledged;
}

test('has every acknowledged commit, and only whole ones, after each of many kills', { timeout: 240_000 }, async () => {
  const script = await bundle();
  const directory = await newDirectory();
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await killedAppender(script, directory, Math.random() * 150);
    await using log = await openEmbeddedLog(directory);
    const { start, end } = await log.bounds('checkpoints', 0, signal);
    const data = await log.bounds('data', 0, signal);
    expect(start).toBe(0);
    expect(end).toBeGreaterThan(acknowledged);
    expect(data.end).toBe(2 * end);
    const checkpoints = await readOn(log, { topic: 'checkpoints', partition: 0, offset: 0 }, end);
    expect(checkpoints.map((each) => Number(textOf(each)))).toEqual(Array.from({ length: end }, (_, i) => i));
    const records = await readOn(log, { topic: 'data', partition: 0, offset: data.start }, data.end - data.start);
    expect(records.map((each) => Number(textOf(each)))).toEqual(
      Array.from({ length: data.end - data.start }, (_, i) => Math.floor((data.start + i) / 2)),
    );
  }
});
