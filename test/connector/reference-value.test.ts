import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isReference, resolveReferences } from '../../src/connector/reference.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'rowcast-test-'));
  mkdirSync(join(directory, 'a:b'));
  writeFileSync(join(directory, 'a:b', 'password'), 's3cret\n');
  writeFileSync(join(directory, 'crlf'), ' two\nlines\r\n');
  writeFileSync(join(directory, 'p.properties'), 'db.password = s3c\\\n  ret=1\n');
});
afterAll(() => rmSync(directory, { recursive: true }));

test('a variable, a key of a properties file and a file of a directory are references', () => {
  expect(resolveReferences('x${env:A}y${env:B}', { A: '1', B: '' })).toBe('x1y');
  expect(resolveReferences(`\${file:${directory}/p.properties:db.password}`, {})).toBe('s3cret=1');
  expect(resolveReferences(`\${dir:${directory}/a:b:password}`, {})).toBe('s3cret');
  expect(resolveReferences(`\${dir:${directory}:crlf}`, {})).toBe(' two\nlines');
});

test('what a reference leads to is not resolved again', () => {
  expect(resolveReferences('${env:A}', { A: '${env:B}', B: 'x' })).toBe('${env:B}');
});

test('what is no reference stays', () => {
  for (const text of ['${topic}', '${source.schema}.${source.table}', 'a${2}', '$env:A', '${1:2}']) {
    expect(resolveReferences(text, {})).toBe(text);
  }
});

test.each([
  ['${env:NOWHERE}', 'refers to the environment variable NOWHERE, which is not set'],
  ['${file:nowhere.properties:a}', 'refers to the file nowhere.properties, which cannot be read'],
  ['${file:nowhere.properties}', 'has an incomplete reference: it is written ${file:path:key}'],
  ['${dir:nowhere:password}', 'refers to the file nowhere/password, which cannot be read'],
  ['${dir:/etc:../etc/passwd}', 'refers to ../etc/passwd in /etc, which is no file name'],
  ['${dir:/etc:..}', 'refers to .. in /etc, which is no file name'],
  ['${vault:secret:a}', 'refers to the config provider "vault"; there are env, file and dir'],
])('%s is refused by its name', (text, message) => {
  expect(() => resolveReferences(text, {})).toThrow(message);
});

test('only a text that is one reference can be shown', () => {
  expect(isReference('${env:A}')).toBe(true);
  for (const text of ['x${env:A}', '${env:A}${env:B}', '${env:A}s3cret}', '${topic}'])
    expect(isReference(text)).toBe(false);
});
