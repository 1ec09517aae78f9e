import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EVENTS, eventOf, NAMED_EVENTS } from '../../src/observe/events.ts';
import { createLogger } from '../../src/observe/logger.ts';

const root = join(import.meta.dirname, '..', '..');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/^(ui|conformance)\/|^observe\/events\.ts$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }));

/** Every text that is logged as it stands in the source. */
function literals(): { readonly file: string; readonly fact: string }[] {
  const call = /(?:logger|Logger|log)\.(?:debug|info|warn|error)\(\s*'((?:[^'\\]|\\.)*)'/g;
  return sources.flatMap(({ file, text }) =>
    [...text.matchAll(call)].map((match) => ({ file, fact: match[1] as string })),
  );
}

test('every fact that is logged has a name', () => {
  expect(literals().length).toBeGreaterThan(30);
  expect(literals().filter(({ fact }) => eventOf(fact) === undefined)).toEqual([]);
});

test('every name belongs to one fact, which is logged somewhere', () => {
  const names = [...Object.values(EVENTS), ...Object.values(NAMED_EVENTS)];
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z]+\.[a-z_]+$/);
  const unused = Object.keys(EVENTS).filter((fact) => !sources.some(({ text }) => text.includes(`'${fact}'`)));
  expect(unused).toEqual([]);
});

test('facts that are told with different words have one name', () => {
  expect(eventOf('signal carried out: execute snapshot')).toBe('signal.carried_out');
  expect(eventOf('something new')).toBeUndefined();
});

test('every name is documented with its fact', () => {
  const page = readFileSync(join(root, 'docs', 'operating', 'log.md'), 'utf8');
  const rows = new Set(page.match(/^\| `[a-z]+\.[a-z_]+` \|.*$/gm)?.map((row) => row.split('|')[1]?.trim()));
  const names = [...Object.values(EVENTS), ...Object.values(NAMED_EVENTS)];
  expect(rows).toEqual(new Set(names.map((name) => `\`${name}\``)));
  for (const [fact, name] of Object.entries(EVENTS)) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row).toContain(`\`${fact}\``);
  }
});

test('a line has the name of its fact, or the one that it is given', () => {
  const written: string[] = [];
  const logger = createLogger('info', { write: (line) => void written.push(line) });
  logger.info('daemon started', { daemon: 'd' });
  logger.warn('Publication "p" is empty', { event: NAMED_EVENTS.noticed });
  logger.info('something new');
  expect(written.map((line) => (JSON.parse(line) as { event?: string }).event)).toEqual([
    'daemon.started',
    'connector.noticed',
    undefined,
  ]);
});
