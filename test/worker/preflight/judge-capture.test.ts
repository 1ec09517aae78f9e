import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/finding.ts';
import {
  type CaptureMode,
  isObstructed,
  type LookedAtMode,
  otherWay,
  recommendCapture,
} from '../../../src/worker/preflight/judge-capture.ts';

const finding = (check: string, level: Finding['level'] = 'problem'): Finding => ({
  level,
  check,
  object: check,
  message: `It is ${check}.`,
});

const look = (tables: number | undefined, ...findings: readonly Finding[]): LookedAtMode => ({ findings, tables });

interface Case {
  readonly title: string;
  readonly wal: LookedAtMode;
  readonly trigger: LookedAtMode;
  readonly query: LookedAtMode;
  readonly mode: CaptureMode | undefined;
}

const CASES: readonly Case[] = [
  {
    title: 'the WAL where nothing is in the way',
    wal: look(2),
    trigger: look(2),
    query: look(2),
    mode: 'PostgresWalSource',
  },
  {
    title: 'the WAL though a table lacks a replica identity',
    wal: look(2, finding('replica identity'), finding('slot size', 'warning')),
    trigger: look(2),
    query: look(2),
    mode: 'PostgresWalSource',
  },
  ...['wal_level', 'replication', 'replication slots', 'wal senders', 'replication connection', 'publication'].map(
    (check): Case => ({
      title: `triggers where ${check} is in the way`,
      wal: look(2, finding(check)),
      trigger: look(2),
      query: look(2),
      mode: 'PostgresTriggerSource',
    }),
  ),
  ...['trigger set-up', 'triggers', 'primary'].map(
    (check): Case => ({
      title: `polls where the WAL cannot be read and ${check} is in the way of triggers`,
      wal: look(2, finding('wal_level')),
      trigger: look(2, finding(check)),
      query: look(2, finding('key')),
      mode: 'PostgresQuerySource',
    }),
  ),
  {
    title: 'polls where there are views alone',
    wal: look(0),
    trigger: look(0),
    query: look(3),
    mode: 'PostgresQuerySource',
  },
  {
    title: 'nothing that could not be looked at',
    wal: look(undefined, finding('tables', 'unknown')),
    trigger: look(2),
    query: look(2),
    mode: 'PostgresTriggerSource',
  },
  {
    title: 'nothing to a role that may not read',
    wal: look(2, finding('rights')),
    trigger: look(2, finding('rights')),
    query: look(2, finding('rights')),
    mode: undefined,
  },
];

describe('recommends', () => {
  test.each(CASES)('$title', ({ wal, trigger, query, mode }) => {
    const found = recommendCapture({
      PostgresWalSource: wal,
      PostgresTriggerSource: trigger,
      PostgresQuerySource: query,
    });
    expect(found.mode).toBe(mode);
    expect(found.verdicts.map((each) => each.mode)).toEqual([
      'PostgresWalSource',
      'PostgresTriggerSource',
      'PostgresQuerySource',
    ]);
    for (const verdict of found.verdicts) if (verdict.mode === mode) expect(verdict.obstacles).toEqual([]);
  });
});

test('another way is told of only where the own one has an obstacle', () => {
  const looks = {
    PostgresWalSource: look(2, finding('wal_level')),
    PostgresTriggerSource: look(2),
    PostgresQuerySource: look(2),
  };
  const found = recommendCapture(looks);
  expect(otherWay('PostgresWalSource', found, 'shop')).toMatchObject({
    level: 'warning',
    check: 'capture',
    object: 'database shop',
    fix: '"connector.class": "PostgresTriggerSource" # rowcast check --recommend tells more',
  });
  expect(otherWay('PostgresQuerySource', found, 'shop')).toBeUndefined();
  expect(otherWay('PostgresTriggerSource', found, 'shop')).toBeUndefined();
  expect(isObstructed([finding('slot'), finding('replica identity'), finding('rights', 'warning')])).toBe(false);
  expect(isObstructed([finding('wal_level')])).toBe(true);
});
