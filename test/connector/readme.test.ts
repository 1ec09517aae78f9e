import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { POSTGRES_SINK } from '../../src/connector/postgres-sink.ts';
import { POSTGRES_WAL_SOURCE } from '../../src/connector/postgres-wal-source.ts';

const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

test.each([POSTGRES_WAL_SOURCE, POSTGRES_SINK])('the README has every setting of $name', ({ name, settings }) => {
  const section = readme.split(/^##+ /m).find((part) => part.startsWith(name)) ?? '';
  const keys = Object.values(settings).map(({ key }) => key);
  expect(keys.filter((key) => !section.includes(`\`${key}\``))).toEqual([]);
});

test.each([POSTGRES_WAL_SOURCE, POSTGRES_SINK])(
  'no key of $name is declared twice',
  ({ settings, ignored, unsupported }) => {
    const keys = [
      ...Object.values(settings).map(({ key }) => key),
      ...Object.keys(ignored),
      ...Object.keys(unsupported),
    ];
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  },
);
