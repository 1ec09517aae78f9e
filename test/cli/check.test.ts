import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exitCodeOf, renderFindings } from '../../src/cli/check-report.ts';
import type { Finding } from '../../src/finding.ts';
import type { ConnectorFinding } from '../../src/worker/preflight.ts';

const root = join(import.meta.dirname, '..', '..');

function finding(level: Finding['level'], more: Partial<ConnectorFinding> = {}): ConnectorFinding {
  return { connector: 'a', level, check: 'c', object: `object ${level}`, message: 'Said.', ...more };
}

test.each<[Finding['level'][], number]>([
  [[], 0],
  [['ok', 'warning'], 0],
  [['ok', 'unknown'], 3],
  [['unknown', 'problem', 'ok'], 1],
])('findings %j exit with %i', (levels, code) => {
  expect(exitCodeOf(levels.map((level) => finding(level)))).toBe(code);
});

test('findings stand by connector, the worst first, with what mends them below', () => {
  const found = [
    finding('ok'),
    finding('warning'),
    finding('problem', { fix: 'one;\ntwo;' }),
    finding('unknown', { connector: undefined }),
  ];
  expect(renderFindings(found, false)).toBe(`a
  ✗ object problem: Said.
      one;
      two;
  ! object warning: Said.
  ✓ 1 check in order

the daemon
  ? object unknown: Said.

1 problem, 1 warning, 1 not looked at, 1 in order
`);
  expect(renderFindings(found, true)).toContain('  ✓ object ok: Said.\n');
});

test('every check is in the documentation, and no other', () => {
  const source = join(root, 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(preflight.*|cli\/check)\.ts$/.test(file),
  );
  const text = files.map((file) => readFileSync(join(source, file), 'utf8')).join('\n');
  const named = text.matchAll(
    /(?:found(?:\.\w+|\[[^\]]+\])\(\s*|check: |const CHECK = |return \[|\[check, object\] = \[)'([a-z_][a-z_. -]*)'/g,
  );
  const checks = new Set([...named].map((match) => match[1] as string));
  const documented = readFileSync(join(root, 'docs', 'check.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.split('|').length === 5 && !line.includes('`check`'))
    .flatMap((line) => [...(line.split('|')[2] as string).matchAll(/`([^`]+)`/g)].map((match) => match[1] as string));
  const levels = ['problem', 'unknown', 'warning', 'ok'];
  const missing = [...checks].filter((check) => !documented.includes(check));
  const surplus = documented.filter((check) => !checks.has(check) && !levels.includes(check));
  expect({ missing, surplus }).toEqual({ missing: [], surplus: [] });
});
