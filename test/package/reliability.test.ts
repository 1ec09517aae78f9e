import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TARGETS } from '../fuzz-decoders/targets.ts';
import { FAULT_KINDS } from '../../src/torture/faults/fault.ts';

const root = join(import.meta.dirname, '..', '..');
const scenarios = readFileSync(join(root, 'docs/reliability-scenarios.md'), 'utf8');
const both = readFileSync(join(root, 'docs/reliability.md'), 'utf8') + scenarios;

/** How many scenarios there are of each letter. */
const COUNTS = { S: 66, K: 27, E: 9, A: 10, T: 23, X: 19, M: 6 };

/** The scenarios: number, and where each is caused. */
const rows = [...scenarios.matchAll(/^\| ([A-Z]\d\d) \| [^|]+ \| ([^|]+) \|$/gm)].map(
  ([, id = '', where = '']) => [id, where] as const,
);

function all(pattern: RegExp): readonly string[] {
  return [...new Set([...both.matchAll(pattern)].map(([, found = '']) => found))];
}

test('every file that the pages on reliability name is there', () => {
  const files = all(/`((?:test|src|docs)\/[\w./-]+)`/g);
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('every script, fault and fuzz target that they name exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  expect(all(/npm run ([\w:]+)/g).filter((name) => !(name in scripts))).toEqual([]);
  const faults = all(/faults? ((?:`[\w-]+`(?: and |, )?)+)/g).flatMap((list) => list.match(/[\w-]{3,}/g) ?? []);
  const kinds: readonly string[] = [...FAULT_KINDS, 'and'];
  expect(faults.length).toBeGreaterThan(10);
  expect(faults.filter((name) => !kinds.includes(name))).toEqual([]);
  const targets = TARGETS.map(({ name }) => name);
  expect(all(/--target ([a-z-]+)/g).filter((name) => !targets.includes(name))).toEqual([]);
});

test('each of the scenarios is told of once, in its order', () => {
  const numbers = Object.entries(COUNTS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${String(i + 1).padStart(2, '0')}`),
  );
  expect(rows.map(([id]) => id)).toEqual(numbers);
});

test('the page counts its scenarios right', () => {
  const missing = rows.filter(([, where]) => where.startsWith('not yet')).length;
  const impossible = rows.filter(([, where]) => where.startsWith('cannot')).length;
  const partly = rows.filter(([, where]) => where.includes('not yet')).length - missing;
  expect(scenarios.replaceAll('\n', ' ')).toContain(
    `Of the ${rows.length}, ${rows.length - missing - impossible} are caused (${partly} of these only in part, which their line says), ` +
      `${impossible} cannot happen in Rowcast or be caused on one machine, ${missing} are not caused yet.`,
  );
});
