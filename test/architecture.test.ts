import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', 'src');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

/** The files of `src/` that a file imports, types included: a type is a dependency too. */
function importsOf(file: string): string[] {
  const text = sources.get(file) as string;
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    normalize(join(dirname(file), match[1] as string)),
  );
}

const modulesOf = (file: string): string => file.split('/')[0] as string;

/** What each folder may import besides itself. A folder that is not here has no rules but the general ones. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  change: [],
  'errors.ts': [],
  'clock.ts': [],
  'deadline.ts': [],
  'failpoint.ts': [],
  'finding.ts': [],
  'json.ts': [],
  'regular-file.ts': ['errors.ts'],
  postgres: ['change', 'errors.ts', 'clock.ts', 'finding.ts', 'regular-file.ts'],
  source: ['change', 'errors.ts', 'clock.ts', 'failpoint.ts', 'postgres', 'finding.ts'],
  transform: ['change', 'errors.ts'],
  converter: ['change', 'errors.ts', 'clock.ts', 'deadline.ts', 'json.ts'],
  log: ['change', 'errors.ts', 'clock.ts', 'deadline.ts', 'failpoint.ts', 'finding.ts', 'json.ts'],
  sink: ['change', 'errors.ts', 'clock.ts', 'deadline.ts', 'failpoint.ts', 'postgres', 'finding.ts', 'json.ts'],
  pipeline: ['change', 'errors.ts', 'clock.ts', 'failpoint.ts', 'source', 'converter', 'log', 'sink', 'transform'],
  servers: ['errors.ts', 'postgres'],
  torture: [
    'change',
    'connector',
    'errors.ts',
    'failpoint.ts',
    'log',
    'pipeline',
    'postgres',
    'program.ts',
    'servers',
    'source',
    'verify',
  ],
};

/** What the pipeline may see of the others: their contracts, and the protocol that both logs share. */
const interfaces = [
  /^source\/source\.ts$/,
  /^sink\/sink\.ts$/,
  /^converter\/converter\.ts$/,
  /^transform\/transform\.ts$/,
  /^log\/(log|partition-key|record-set|batch-compression|batch-memory|record-reader)\.ts$/,
  /^log\/protocol\//,
];

/** Where the composition root names implementations; the conformance suite joins sources to a real replica, and the torture sets sources up and reads logs. */
const compositionRoots = /^(worker|cli|conformance|torture|main\.ts)/;

test('folders import only what the layout allows', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const module = modulesOf(file);
    const rule = allowed[module];
    if (rule === undefined) continue;
    for (const target of importsOf(file)) {
      const other = modulesOf(target);
      if (other !== module && !rule.includes(other)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the pipeline knows interfaces only', () => {
  const wrong = files
    .filter((file) => modulesOf(file) === 'pipeline')
    .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
    .filter(({ target }) => ['source', 'sink', 'converter', 'log', 'transform'].includes(modulesOf(target)))
    .filter(({ target }) => !interfaces.some((pattern) => pattern.test(target)))
    .map(({ file, target }) => `${file} imports ${target}`);
  expect(wrong).toEqual([]);
});

test('implementations are named in the composition root only', () => {
  const implementation = /^(source\/(wal|query|trigger)|sink\/postgres|converter\/avro|log\/(kafka|embedded))\//;
  const wrong = files
    .filter((file) => !compositionRoots.test(file))
    .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
    .filter(({ target }) => implementation.test(target))
    .filter(
      ({ file, target }) => dirname(file).split('/').slice(0, 2).join('/') !== target.split('/').slice(0, 2).join('/'),
    )
    .map(({ file, target }) => `${file} imports ${target}`);
  expect(wrong).toEqual([]);
});

test('no file imports itself through others', () => {
  const state = new Map<string, 'visiting' | 'done'>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done' || !sources.has(file)) return;
    if (state.get(file) === 'visiting') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'visiting');
    for (const target of importsOf(file)) visit(target, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test('only main.ts ends the process, and only the edges read the environment', () => {
  const exits = files.filter((file) => /process\.exit\b|process\.exitCode/.test(sources.get(file) as string));
  expect(exits).toEqual(['main.ts']);
  const readers = files.filter((file) => /process\.env/.test(sources.get(file) as string));
  expect(
    readers.filter((file) => !/^(failpoint\.ts|connector\/|worker\/|servers\/|cli\/|main\.ts)/.test(file)),
  ).toEqual([]);
});

test('pure parts touch no socket, file or clock', () => {
  const pure =
    /^(change|transform|pipeline|log\/protocol|log\/record|converter\/avro|sink\/[^/]+\.ts|source\/wal\/(decoder|assembler|keepalive))/;
  const io =
    /from 'node:(fs|net|tls|http|https|child_process|timers)[^']*'|Date\.now\(|Math\.random\(|setTimeout\(|setInterval\(/;
  const wrong = files.filter((file) => pure.test(file) && io.test(sources.get(file) as string));
  expect(wrong.map((file) => relative('.', file))).toEqual([]);
});
