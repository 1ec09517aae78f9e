import { expect, test } from 'vitest';
import { judgeTarget } from '../../../../src/sink/postgres/preflight/judge-target.ts';
import type { SourceView } from '../../../../src/sink/postgres/preflight/source-view.ts';
import type { TargetServer } from '../../../../src/sink/postgres/preflight/target-facts.ts';
import { resolveSinkSettings } from '../../../../src/sink/postgres/settings.ts';

const settings = resolveSinkSettings({
  connection: { host: 'db', port: 5432, database: 'rep"lica', user: 'play', sslmode: 'prefer' },
  name: 'replay',
  prefix: 'shop',
});
const good: TargetServer = {
  version: 180_000,
  isStandby: false,
  isSuperuser: false,
  encoding: 'UTF8',
  mayCreate: true,
  collation: { stored: '2.36', actual: '2.36' },
  instance: '1',
  sessions: [],
  progress: { hasSchema: false, mayUse: false, mayCreate: false, tables: [] },
  mayReplicaRole: true,
};
const session = { isRunning: false };
const source: SourceView = { tables: [], types: [], database: '2', encoding: 'UTF8' };

function said(
  facts: Partial<TargetServer>,
  given: Partial<typeof session> = {},
  from: Partial<SourceView> = {},
): string[] {
  return judgeTarget(
    { ...good, ...facts },
    { ...session, ...given },
    settings,
    { ...source, ...from },
    'server db:5432',
  )
    .filter(({ level }) => level !== 'ok')
    .map(({ level, check, fix }) => `${level} ${check}: ${fix ?? ''}`);
}

test('a target as it must be has nothing said of it', () => {
  expect(said({})).toEqual([]);
  expect(said({ sessions: [4] }, { isRunning: true })).toEqual([]);
  expect(said({ encoding: 'LATIN1' }, {}, { encoding: 'LATIN1' })).toEqual([]);
});

test.each<[string, Partial<TargetServer>, Partial<typeof session>, Partial<SourceView>, string]>([
  ['an old version', { version: 120_000 }, {}, {}, 'problem version: pg_upgrade'],
  ['a standby', { isStandby: true }, {}, {}, 'problem read-only: Set connection.url to the primary'],
  ['another owner', { sessions: [4] }, {}, {}, 'warning owner: select pg_terminate_backend(4);'],
  ['the source itself', { instance: '2' }, {}, {}, 'problem loop: create database "rep""lica_replica";'],
  [
    'a role that cannot make its schema',
    { mayCreate: false },
    {},
    {},
    'problem progress: create schema rowcast authorization "play";',
  ],
  [
    'triggers that fire, from version 15 on',
    { mayReplicaRole: false },
    {},
    {},
    'warning session_replication_role: grant set on parameter session_replication_role to "play";',
  ],
  [
    'triggers that fire, before',
    { mayReplicaRole: false, version: 140_000 },
    {},
    {},
    'warning session_replication_role: alter role "play" superuser;',
  ],
  ['another encoding', { encoding: 'LATIN1' }, {}, {}, 'warning encoding: create database "rep""lica_utf8" encoding'],
  [
    'an outdated collation',
    { collation: { stored: '2.31', actual: '2.36' } },
    {},
    {},
    'warning collation: reindex database "rep""lica";\nalter database "rep""lica" refresh collation version;',
  ],
])('%s is told of', (_, facts, given, from, start) => {
  expect(said(facts, given, from)).toEqual([expect.stringContaining(start)]);
});
