import { describe, expect, test } from 'vitest';
import {
  judgeSlot,
  type JudgeSlotOptions,
  type SlotFinding,
  type SlotLevel,
} from '../../../../src/source/wal/watch/judge-slot.ts';
import type { SlotLook, WatchedSlot } from '../../../../src/source/wal/watch/slot-look.ts';
import { concernAdvice, concernText, inBytes } from '../../../../src/source/wal/watch/slot-words.ts';

const MB = 1024 ** 2;
const END = 100_000 * MB;

interface Given extends Partial<JudgeSlotOptions> {
  /** Bytes. */
  readonly keeps?: number;
  readonly unconfirmed?: number;
  readonly slot?: Partial<WatchedSlot>;
  readonly look?: Partial<Omit<SlotLook, 'slot'>>;
}

function judge({ keeps = 0, unconfirmed = 0, slot = {}, look = {}, ...options }: Given): SlotFinding {
  const given: SlotLook = {
    walEnd: END,
    nextXid: 1000,
    running: undefined,
    prepared: undefined,
    ...look,
    slot: {
      restartLsn: END - keeps,
      confirmedLsn: END - unconfirmed,
      walStatus: 'reserved',
      safeWalBytes: undefined,
      invalidation: undefined,
      pid: 7,
      waitEvent: 'WalSenderWaitForWal',
      catalogXminAge: 3,
      ...slot,
    },
  };
  return judgeSlot(given, { budgetBytes: 0, earlier: [], now: 60_000, before: 'ok', ...options });
}

const level = (given: Given): SlotLevel => judge(given).level;

describe('the level of a slot', () => {
  test('is by how much of its budget it keeps', () => {
    const at = (keeps: number): SlotLevel => level({ keeps: keeps * MB, budgetBytes: 1000 * MB });
    expect([0, 499, 500, 799, 800, 999, 1000, 5000].map(at)).toEqual([
      'ok',
      'ok',
      'warning',
      'warning',
      'critical',
      'critical',
      'exhausted',
      'exhausted',
    ]);
  });

  test("is by what the server's limit leaves, where that is less than the budget", () => {
    const slot = { safeWalBytes: 100 * MB };
    expect(judge({ keeps: 900 * MB, slot, budgetBytes: 2000 * MB })).toMatchObject({
      level: 'critical',
      limit: { bytes: 1000 * MB, by: 'server' },
    });
    expect(judge({ keeps: 450 * MB, slot: { safeWalBytes: 550 * MB } }).level).toBe('ok');
    expect(judge({ keeps: 900 * MB, slot, budgetBytes: 800 * MB })).toMatchObject({
      level: 'exhausted',
      limit: { bytes: 800 * MB, by: 'budget' },
    });
  });

  test('is critical when the server is about to remove its WAL, however much that is', () => {
    expect(judge({ keeps: MB, slot: { walStatus: 'unreserved', safeWalBytes: -MB } })).toMatchObject({
      level: 'critical',
      limit: { bytes: 0, by: 'server' },
      secondsLeft: undefined,
    });
    expect(level({ keeps: MB, slot: { walStatus: 'extended' } })).toBe('ok');
  });

  test('is lost when the server has removed its WAL or invalidated it', () => {
    expect(level({ slot: { walStatus: 'lost', restartLsn: undefined } })).toBe('lost');
    expect(level({ slot: { invalidation: 'idle_timeout' } })).toBe('lost');
  });

  test('is missing when there is none', () => {
    const look = { walEnd: END, nextXid: 1, slot: undefined, running: undefined, prepared: undefined };
    expect(judgeSlot(look, { budgetBytes: 1, earlier: [], now: 0, before: 'ok' })).toMatchObject({
      level: 'missing',
      isActive: false,
      retainedBytes: undefined,
    });
  });

  test('without any limit is a warning from ten gigabytes on', () => {
    expect(level({ keeps: 10 * 1024 * MB - 1 })).toBe('ok');
    expect(level({ keeps: 10 * 1024 * MB })).toBe('warning');
    expect(level({ keeps: 1000 * 1024 * MB })).toBe('warning');
  });

  test('falls only well below where it rises', () => {
    const falling = (keeps: number, before: SlotLevel): SlotLevel =>
      level({ keeps: keeps * MB, budgetBytes: 1000 * MB, before });
    expect(falling(460, 'warning')).toBe('warning');
    expect(falling(440, 'warning')).toBe('ok');
    expect(falling(730, 'critical')).toBe('critical');
    expect(falling(710, 'critical')).toBe('warning');
    expect(falling(999, 'exhausted')).toBe('critical');
    expect(falling(460, 'missing')).toBe('ok');
  });

  test('rises earlier when little time is left', () => {
    const growing = (keeps: number, since: number): SlotLevel =>
      level({ keeps: keeps * MB, budgetBytes: 1000 * MB, earlier: [{ at: 0, bytes: since * MB }] });
    // 60 s for 100 MB: 700 MB more take 7 minutes.
    expect(growing(300, 200)).toBe('critical');
    // 60 s for 15 MB: 50 minutes.
    expect(growing(250, 235)).toBe('warning');
    expect(growing(300, 300)).toBe('ok');
    // Almost nothing is kept yet: a burst is no trouble.
    expect(growing(100, 0)).toBe('ok');
  });
});

describe('growth and the time left', () => {
  test('are measured over the looks that are remembered', () => {
    const earlier = [
      { at: 0, bytes: 100 * MB },
      { at: 30_000, bytes: 500 * MB },
    ];
    expect(judge({ keeps: 400 * MB, budgetBytes: 1000 * MB, earlier })).toMatchObject({
      bytesPerSecond: 5 * MB,
      secondsLeft: 120,
    });
  });

  test('say nothing of the time while it shrinks, or without a limit', () => {
    const shrinking = judge({ keeps: 100 * MB, budgetBytes: 1000 * MB, earlier: [{ at: 0, bytes: 160 * MB }] });
    expect(shrinking).toMatchObject({ bytesPerSecond: -MB, secondsLeft: undefined });
    expect(judge({ keeps: 100 * MB, earlier: [{ at: 0, bytes: 0 }] }).secondsLeft).toBeUndefined();
    expect(judge({ keeps: 100 * MB, budgetBytes: MB }).bytesPerSecond).toBeUndefined();
  });
});

describe('what holds a slot back', () => {
  const running = { pid: 42, seconds: 90 };
  const prepared = { gid: 'g', database: 'shop', seconds: 100 };
  const keeps = 1000 * MB;

  test.each<[string, Given, object | undefined]>([
    ['nothing while it keeps little', { keeps: 60 * MB, unconfirmed: 60 * MB }, undefined],
    ['nobody reading it', { keeps, slot: { pid: undefined } }, { kind: 'reader' }],
    [
      'us, when the server waits for us',
      { keeps, unconfirmed: keeps, slot: { waitEvent: 'WalSenderWriteData' } },
      { kind: 'us' },
    ],
    ['us, when the server has sent everything', { keeps, unconfirmed: keeps }, { kind: 'us' }],
    ['the server, when it is busy', { keeps, unconfirmed: keeps, slot: { waitEvent: undefined } }, { kind: 'server' }],
    ['an open transaction', { keeps, look: { running } }, { kind: 'transaction', pid: 42, seconds: 90 }],
    ['an older prepared transaction', { keeps, look: { running, prepared } }, { kind: 'prepared', ...prepared }],
    ['what cannot be seen', { keeps }, { kind: 'unknown' }],
  ])('is %s', (_, given, holder) => {
    expect(judge(given).holder).toEqual(holder);
  });
});

describe('the words for it', () => {
  test('name the slot, what it keeps and why, and how long it lasts', () => {
    const finding = judge({
      keeps: 900 * MB,
      budgetBytes: 1000 * MB,
      earlier: [{ at: 0, bytes: 840 * MB }],
      look: { running: { pid: 42, seconds: 90 } },
    });
    expect(concernText('rowcast', finding)).toBe(
      'slot "rowcast" keeps 900 MB of 1000 MB (slot.budget.bytes) of WAL, full in about 100 s if it goes on like this; ' +
        'it is held back by the transaction of process 42 of the server, open for 90 s',
    );
    expect(concernAdvice('shop', finding)).toContain('pg_terminate_backend(42)');
  });

  test('are none when all is well', () => {
    expect(concernText('rowcast', judge({}))).toBeUndefined();
    expect(concernAdvice('shop', judge({}))).toBeUndefined();
  });

  test.each<[SlotLevel, Given]>([
    ['lost', { slot: { invalidation: 'wal_removed' } }],
    ['exhausted', { keeps: 100 * MB, budgetBytes: MB, slot: { pid: undefined } }],
    ['warning', { keeps: 20_000 * MB, unconfirmed: 20_000 * MB }],
    ['warning', { keeps: 20_000 * MB, look: { prepared: { gid: 'g', database: 'd', seconds: 1 } } }],
    ['critical', { keeps: 100 * MB, slot: { walStatus: 'unreserved', safeWalBytes: 0 } }],
  ])('tell of a slot that is %s, and what to do', (expected, given) => {
    const finding = judge(given);
    expect(finding.level).toBe(expected);
    expect(concernText('rowcast', finding)).toMatch(/^slot "rowcast" /);
    expect(concernAdvice('shop', finding)).toMatch(/\w/);
  });

  test('give sizes as Postgres does', () => {
    expect([0, 9999, 10_240, 20 * MB, 20_000 * MB, 3 * MB * MB].map(inBytes)).toEqual([
      '0 bytes',
      '9999 bytes',
      '10 kB',
      '20 MB',
      '20 GB',
      '3072 GB',
    ]);
  });
});
