import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openEmbeddedLog } from '../../../../src/log/embedded/embedded-log.ts';
import type { DirectoryFacts } from '../../../../src/log/embedded/preflight/directory-facts.ts';
import { checkDirectory, judgeDirectory } from '../../../../src/log/embedded/preflight/preflight.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rowcast-preflight-'));
});
afterEach(() => {
  chmodSync(root, 0o700);
  rmSync(root, { recursive: true });
});

/** What is said, apart from the disk of this machine. */
async function said(directory: string, ownPid?: number): Promise<readonly string[]> {
  const findings = await checkDirectory(directory, ownPid);
  return findings
    .filter(({ check, level }) => level !== 'ok' && check !== 'disk space' && check !== 'filesystem')
    .map(({ level, check, message }) => `${level} ${check} ${message}`);
}

describe('a directory', () => {
  test('that does not exist yet is in order, and is not created by the look', async () => {
    expect(await said(join(root, 'a', 'b'))).toEqual([]);
    expect(await readdir(root)).toEqual([]);
  });

  test('that is a file is named', async () => {
    writeFileSync(join(root, 'file'), '');
    expect(await said(join(root, 'file', 'log'))).toEqual([
      `problem directory ${join(root, 'file')} is a file, not a directory.`,
    ]);
  });

  test('that is open names the process until it is closed, unless that is the daemon we know', async () => {
    const log = await openEmbeddedLog(root);
    expect(await said(root)).toEqual([
      `problem lock It is open in process ${process.pid}: one process can have it open.`,
    ]);
    expect(await said(root, process.pid)).toEqual([]);
    await log[Symbol.asyncDispose]();
    expect(await said(root)).toEqual([]);
  });
});

const good: DirectoryFacts = {
  path: '/d',
  nearest: '/d',
  isDirectory: true,
  isWritable: true,
  freeBytes: 2 ** 40,
  filesystem: 0xef53,
  holder: undefined,
};

test.each<[string, Partial<DirectoryFacts>, string]>([
  ['not writable', { isWritable: false }, 'problem directory sudo install -d -o "$USER" \'/d\''],
  ['on NFS', { filesystem: 0x6969 }, 'warning filesystem Name a local directory with --state.'],
  [
    'on CIFS, whose number is negative on some systems',
    { filesystem: 0xff534d42 | 0 },
    'warning filesystem Name a local directory with --state.',
  ],
  ['in memory', { filesystem: 0x01021994 }, 'warning filesystem Name a directory on a disk with --state.'],
  ['almost full', { freeBytes: 1000 }, "warning disk space df -h '/d'"],
  [
    'held from another machine',
    { holder: { pid: 3, host: 'far', isRunning: 'unknown' } },
    'warning lock Stop the daemon on far',
  ],
])('a directory that is %s is told of', (_, facts, start) => {
  const found = judgeDirectory({ ...good, ...facts }, undefined).filter(({ level }) => level !== 'ok');
  expect(found.map(({ level, check, fix }) => `${level} ${check} ${fix}`)).toEqual([expect.stringContaining(start)]);
});
