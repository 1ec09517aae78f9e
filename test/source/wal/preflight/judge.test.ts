import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/finding.ts';
import { judgeServer } from '../../../../src/source/wal/preflight/judge-server.ts';
import { judgeSlot } from '../../../../src/source/wal/preflight/judge-slot.ts';
import type { ServerFacts, SlotFacts } from '../../../../src/source/wal/preflight/server-facts.ts';
import type { WalSourceSettings } from '../../../../src/source/wal/settings.ts';

const settings = {
  connection: { host: 'db', port: 5432, database: 'shop', user: 'cap"ture', sslmode: 'prefer' },
  name: 'capture',
  slotName: 'rowcast',
} as WalSourceSettings;

const good: ServerFacts = {
  version: 180_000,
  isStandby: false,
  primary: null,
  encoding: 'UTF8',
  settings: {
    wal_level: 'logical',
    max_replication_slots: '10',
    max_wal_senders: '10',
    max_slot_wal_keep_size: '1000',
    wal_sender_timeout: '60000',
  },
  role: { isSuperuser: false, mayReplicate: true, managed: [], mayCreate: true },
  replicationRoles: [],
  slots: [],
  walsenders: 0,
  running: [],
  prepared: [],
  instance: '1/2',
};

const slot: SlotFacts = {
  name: 'rowcast',
  type: 'logical',
  plugin: 'pgoutput',
  database: 'shop',
  activePid: null,
  holder: null,
  walStatus: 'reserved',
  retainedBytes: 0,
};

const said = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level !== 'ok').map(({ level, check, fix }) => `${level} ${check}: ${fix ?? ''}`);
const judged = (facts: Partial<ServerFacts>): string[] =>
  said(judgeServer({ ...good, ...facts }, settings, 'server db:5432'));
const judgedSlot = (facts: Partial<ServerFacts>): string[] => said(judgeSlot({ ...good, ...facts }, settings));

describe('a server', () => {
  test('as it must be has nothing said of it', () => {
    expect(judged({})).toEqual([]);
  });

  test.each<[string, Partial<ServerFacts>, string]>([
    ['an old version', { version: 130_012 }, 'problem version: pg_upgrade'],
    ['a standby', { isStandby: true, primary: '10.0.0.7' }, 'problem standby: Set database.hostname to "10.0.0.7".'],
    [
      'wal_level',
      { settings: { ...good.settings, wal_level: 'replica' } },
      "problem wal_level: alter system set wal_level = 'logical'; -- then restart the server",
    ],
    [
      'wal_level on RDS',
      { settings: { ...good.settings, wal_level: 'replica', 'rds.logical_replication': 'off' } },
      'problem wal_level: aws rds modify-db-parameter-group',
    ],
    [
      'wal_level on Cloud SQL',
      { settings: { ...good.settings, wal_level: 'replica', 'cloudsql.logical_decoding': 'off' } },
      'problem wal_level: gcloud sql instances patch',
    ],
    [
      'wal_level on Azure',
      { settings: { ...good.settings, wal_level: 'replica', 'azure.extensions': '' } },
      'problem wal_level: az postgres flexible-server parameter set',
    ],
    [
      'a role that may not replicate',
      { role: { ...good.role, mayReplicate: false } },
      'problem replication: alter role "cap""ture" replication;',
    ],
    [
      'the same on RDS',
      { role: { ...good.role, mayReplicate: false }, replicationRoles: ['rds_replication'] },
      'problem replication: grant "rds_replication" to "cap""ture";',
    ],
    [
      'no free slot',
      { settings: { ...good.settings, max_replication_slots: '1' }, slots: [{ ...slot, name: "o'ther" }] },
      "problem replication slots: alter system set max_replication_slots = 10; -- then restart the server\nselect pg_drop_replication_slot('o''ther');",
    ],
    ['no free walsender', { walsenders: 10 }, 'problem wal senders: alter system set max_wal_senders = 20;'],
    [
      'a slot without bound',
      { settings: { ...good.settings, max_slot_wal_keep_size: '-1' } },
      "warning slot size: alter system set max_slot_wal_keep_size = '50GB';",
    ],
    [
      'slots that time out',
      { settings: { ...good.settings, idle_replication_slot_timeout: '60' } },
      'warning slot timeout: alter system set idle_replication_slot_timeout = 0;',
    ],
    [
      'wal_sender_timeout 0',
      { settings: { ...good.settings, wal_sender_timeout: '0' } },
      "warning wal_sender_timeout: alter system set wal_sender_timeout = '60s';",
    ],
    ['SQL_ASCII', { encoding: 'SQL_ASCII' }, 'warning encoding: '],
  ])('tells of %s', (_, facts, start) => {
    expect(judged(facts)).toEqual([expect.stringContaining(start)]);
  });

  test.each<[string, Partial<ServerFacts>]>([
    ['a superuser', { role: { ...good.role, isSuperuser: true, mayReplicate: false } }],
    ['a member of rds_replication', { role: { ...good.role, mayReplicate: false, managed: ['rds_replication'] } }],
    ['full slots of which one is ours', { settings: { ...good.settings, max_replication_slots: '1' }, slots: [slot] }],
    ['full walsenders of which one is ours', { walsenders: 10, slots: [{ ...slot, activePid: 7 }] }],
  ])('says nothing of %s', (_, facts) => {
    expect(judged(facts)).toEqual([]);
  });
});

describe('a slot', () => {
  test.each<[string, Partial<SlotFacts>, string]>([
    ['lost', { walStatus: 'lost' }, "problem slot: select pg_drop_replication_slot('rowcast');"],
    ['physical', { type: 'physical', plugin: null, database: null }, 'problem slot: "slot.name": '],
    ['of another database', { database: 'other' }, 'problem slot: "slot.name": '],
    ['held by another', { activePid: 41, holder: 'debezium' }, 'problem slot: select pg_terminate_backend(41);'],
    [
      'held by another connector of ours',
      { activePid: 41, holder: 'rowcast:0123456789ab:0123456789ab:1:x' },
      'problem slot: select pg_terminate_backend(41);',
    ],
    ['about to be lost', { walStatus: 'unreserved' }, 'warning slot size: Start the connector now'],
    ['that keeps much', { retainedBytes: 2 ** 40 }, 'warning slot size: Start the connector'],
  ])('%s is told of', (_, facts, start) => {
    expect(judgedSlot({ slots: [{ ...slot, ...facts }] })).toEqual([expect.stringContaining(start)]);
  });

  test.each<[string, Partial<SlotFacts>]>([
    ['free', {}],
    ['held by the connector itself', { activePid: 41, holder: 'rowcast:460ee6aa3a80:0123456789ab:1:x' }],
  ])('that is %s is in order', (_, facts) => {
    expect(judgedSlot({ slots: [{ ...slot, ...facts }] })).toEqual([]);
  });

  test('that would wait for transactions names them', () => {
    expect(
      judgedSlot({ running: [{ pid: 5, seconds: 60 }], prepared: [{ gid: "it's", database: 'shop', seconds: 9 }] }),
    ).toEqual([
      'warning long transactions: select pg_terminate_backend(5);',
      "warning long transactions: rollback prepared 'it''s'; -- or commit it, in database shop",
    ]);
  });
});
