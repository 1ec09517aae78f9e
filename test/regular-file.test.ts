import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPemFile, readRegularFile } from '../src/regular-file.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-regular-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

test('a file is read whole, also through a link and where its size is not told', () => {
  writeFileSync(join(directory, 'a'), 'x'.repeat(100_000));
  symlinkSync('a', join(directory, 'link'));
  expect(readRegularFile(join(directory, 'link'), 100_000).toString()).toBe('x'.repeat(100_000));
  expect(() => readRegularFile(join(directory, 'a'), 99_999)).toThrow('has more than 99999 bytes');
  if (process.platform === 'linux') expect(readPemFile('/proc/self/status')).toContain('Name:');
});

test('a pipe blocks nobody, a device is not read, and a directory is none', () => {
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const path of [pipe, '/dev/zero', directory]) expect(() => readPemFile(path)).toThrow('is no regular file');
  expect(() => readPemFile(join(directory, 'nowhere'))).toThrow('ENOENT');
});
