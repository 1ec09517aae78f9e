import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogSchemaStore } from '../../src/converter/registry/log-store.ts';
import { findDaemon, writeDaemonFile } from '../../src/worker/daemon-file.ts';
import { daemonId } from '../../src/worker/daemon-id.ts';
import { openStateLog } from '../../src/worker/open-log.ts';
import { openStateDirectory } from '../../src/worker/state-directory.ts';
import { schemaTopic } from '../../src/worker/schema-topic.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a daemon keeps its id with its state, and has another one elsewhere', () => {
  const id = daemonId(join(directory, 'a', 'b'));
  expect(daemonId(join(directory, 'a', 'b'))).toBe(id);
  expect(daemonId(join(directory, 'c'))).not.toBe(id);
});

test('a state directory that cannot be one is named', () => {
  expect(() => daemonId('/dev/null/state')).toThrow('The state directory /dev/null/state cannot be used');
});

test('schemas are found again by another task and after a restart', async () => {
  const { signal } = new AbortController();
  const text = JSON.stringify({ type: 'record', name: 'r', fields: [] });
  const ids: number[] = [];
  {
    await using log = await openStateLog(directory);
    const reader = createLogSchemaStore(schemaTopic(log, Date.now));
    await expect(reader.byId(1, signal)).rejects.toThrow('Schema 1 is not in the built-in registry');
    const writer = createLogSchemaStore(schemaTopic(log, Date.now));
    ids.push(await writer.register('a-value', text, signal), await writer.register('b-value', '"string"', signal));
    expect(await reader.byId(ids[0] as number, signal)).toBe(text);
  }
  await using log = await openStateLog(directory);
  const store = createLogSchemaStore(schemaTopic(log, Date.now));
  expect(await store.byId(ids[1] as number, signal)).toBe('"string"');
  expect(await store.register('a-value', text, signal)).toBe(ids[0]);
});

test('a state directory belongs to one process, and says to which', async () => {
  const signal = new AbortController().signal;
  const path = join(directory, 'new', 'one');
  const first = await openStateDirectory(path, signal);
  expect(first.daemon).toBe(daemonId(path));
  await expect(openStateDirectory(path, signal)).rejects.toThrow(
    `State directory "${path}" is open in process ${process.pid} on `,
  );
  await first[Symbol.asyncDispose]();
  await (await openStateDirectory(path, signal))[Symbol.asyncDispose]();
  for (const wrong of ['/dev/null/state', '/proc/rowcast/state']) {
    await expect(openStateDirectory(wrong, signal)).rejects.toThrow(`The state directory ${wrong} cannot be used`);
  }
});

test('a daemon is found by its state while it runs', async () => {
  expect(await findDaemon(join(directory, 'nowhere'))).toBeUndefined();
  const daemon = { pid: process.pid, url: 'http://127.0.0.1:1', version: '1', key: 'k' };
  const file = await writeDaemonFile(directory, daemon);
  expect(await findDaemon(directory)).toEqual(daemon);
  await file[Symbol.asyncDispose]();
  expect(await findDaemon(directory)).toBeUndefined();
  await writeDaemonFile(directory, { ...daemon, pid: 2 ** 22 + 1 }); // no process has such a pid: it was killed
  expect(await findDaemon(directory)).toBeUndefined();
});
