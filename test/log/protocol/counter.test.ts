import { expect, test } from 'vitest';
import { CheckpointCounter } from '../../../src/log/protocol/counter.ts';
import type { Checkpoint, Claim } from '../../../src/log/protocol/records.ts';

const claim = (over: Partial<Claim> = {}): Claim => ({
  kind: 'claim',
  logId: 'log',
  nonce: 'n',
  daemon: 'd',
  booted: 0,
  id: 'i',
  at: 0,
  slot: 's',
  creating: true,
  system: '1',
  timeline: 1,
  publication: '16400',
  clusterId: 'c',
  ...over,
});

const checkpoint = (claimOffset: number, number: number, over: Partial<Checkpoint> = {}): Checkpoint => ({
  kind: 'checkpoint',
  logId: 'log',
  nonce: `${claimOffset}/${number}`,
  claim: claimOffset,
  number,
  previous: null,
  position: String(number),
  records: 0,
  spans: [],
  topicIds: {},
  committedAt: 0,
  consistent: true,
  part: 0,
  last: true,
  ...over,
});

test('counts a checkpoint of the current claim', () => {
  const counter = new CheckpointCounter();
  expect(counter.feed(0, claim())).toBeUndefined();
  expect(counter.feed(1, checkpoint(0, 0))?.number).toBe(0);
  expect(counter.feed(2, checkpoint(0, 1))?.offset).toBe(2);
});

test('does not count a checkpoint of an older claim', () => {
  const counter = new CheckpointCounter();
  counter.feed(0, claim());
  counter.feed(1, claim({ daemon: 'e' }));
  expect(counter.feed(2, checkpoint(0, 0))).toBeUndefined();
  expect(counter.feed(3, checkpoint(1, 0))?.claim).toBe(1);
});

test('takes the claim of a checkpoint that is met before any claim as the current one', () => {
  const counter = new CheckpointCounter();
  expect(counter.feed(10, checkpoint(3, 5))?.number).toBe(5);
  expect(counter.feed(11, checkpoint(2, 6))).toBeUndefined();
  expect(counter.claimOffset).toBe(3);
});

test('does not count a stale copy', () => {
  const counter = new CheckpointCounter();
  counter.feed(0, claim());
  counter.feed(1, checkpoint(0, 0));
  counter.feed(2, checkpoint(0, 1));
  expect(counter.feed(3, checkpoint(0, 0))).toBeUndefined();
  expect(counter.feed(4, checkpoint(0, 1))).toBeUndefined();
});

test('ignores records of another log', () => {
  const counter = new CheckpointCounter();
  counter.feed(0, claim());
  counter.feed(1, claim({ logId: 'other' }));
  expect(counter.feed(2, checkpoint(0, 0))?.number).toBe(0);
});

test('counts a continued checkpoint with its last part, and drops parts at a claim', () => {
  const span = { topic: 't', partition: 0, base: 0, count: 1 };
  const first = checkpoint(0, 0, { last: false, spans: [span], records: 2 });
  const second = checkpoint(0, 0, { part: 1, spans: [{ ...span, base: 5 }], records: 2 });
  const counter = new CheckpointCounter();
  counter.feed(0, claim());
  expect(counter.feed(1, first)).toBeUndefined();
  expect(counter.feed(2, second)?.spans.map((s) => s.base)).toEqual([0, 5]);

  const interrupted = new CheckpointCounter();
  interrupted.feed(0, claim());
  interrupted.feed(1, first);
  interrupted.feed(2, claim());
  expect(interrupted.feed(3, second)).toBeUndefined();
});

test('goes on from the checkpoint that was applied last', () => {
  const counter = new CheckpointCounter({ logId: 'log', claim: 7, number: 3 });
  expect(counter.feed(20, checkpoint(7, 3))).toBeUndefined();
  expect(counter.feed(21, checkpoint(6, 4))).toBeUndefined();
  expect(counter.feed(22, checkpoint(7, 4))?.number).toBe(4);
});
