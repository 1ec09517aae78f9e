import { expect, test } from 'vitest';
import { KeepalivePacing } from '../../../src/source/wal/keepalive.ts';

test('makes nothing of a keepalive at or below the last position', () => {
  const pacing = new KeepalivePacing(100, 0);
  for (const walEnd of [90, 100]) {
    pacing.seen(walEnd);
    expect(pacing.requested(1)).toBe(false);
    expect(pacing.dueAt()).toBe(Number.POSITIVE_INFINITY);
    expect(pacing.take(100_000)).toBeUndefined();
  }
});

test('hands an idle position out 100 ms after the last data, then every 10 s', () => {
  const pacing = new KeepalivePacing(100, 0);
  pacing.moved(200, 1000);
  pacing.seen(250);
  expect([pacing.dueAt(), pacing.take(1099)]).toEqual([1100, undefined]);
  expect(pacing.take(1100)).toEqual({ lsn: 250, urgent: false });
  pacing.seen(300);
  expect([pacing.dueAt(), pacing.take(11_099)]).toEqual([11_100, undefined]);
  expect(pacing.take(11_100)).toEqual({ lsn: 300, urgent: false });
  pacing.moved(400, 12_000);
  pacing.seen(401);
  expect(pacing.dueAt()).toBe(12_100);
});

test('answers a request at once, at most ten times a second', () => {
  const pacing = new KeepalivePacing(100, 0);
  pacing.seen(150);
  pacing.requested(10);
  expect(pacing.take(10)).toEqual({ lsn: 150, urgent: true });
  pacing.seen(160);
  pacing.requested(20);
  expect([pacing.dueAt(), pacing.take(109)]).toEqual([110, undefined]);
  expect(pacing.take(110)).toEqual({ lsn: 160, urgent: true });
  pacing.seen(170);
  expect(pacing.dueAt()).toBe(10_110); // the request was answered
});

test('gives up when a server asks in vain for five seconds, not when the log stores something', () => {
  const pacing = new KeepalivePacing(100, 0);
  const given = Array.from({ length: 12 }, (_, i) => pacing.requested(i * 500));
  expect(given.indexOf(true)).toBe(10);
  const alive = new KeepalivePacing(100, 0);
  for (let i = 0; i < 30; i++) {
    expect(alive.requested(i * 500)).toBe(false);
    if (i % 5 === 0) alive.acknowledged();
  }
  // Requests that are far apart are the ordinary ones of an idle connection.
  const ordinary = new KeepalivePacing(100, 0);
  for (let i = 0; i < 30; i++) expect(ordinary.requested(i * 1500)).toBe(false);
});
