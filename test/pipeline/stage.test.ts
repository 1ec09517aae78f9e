import { expect, test } from 'vitest';
import { enter, starting, wait } from '../../src/pipeline/stage.ts';

test('something new at the same step is progress', () => {
  const loop = { stage: starting(1) };
  enter(loop, 'publishing', 2);
  enter(loop, 'publishing', 3);
  expect(loop.stage).toEqual({ name: 'publishing', since: 3, isWaiting: false });
});

test('waiting goes on from when it began', () => {
  const loop = { stage: starting(1) };
  wait(loop, 'waiting for changes', 2);
  wait(loop, 'waiting for changes', 3);
  expect(loop.stage).toEqual({ name: 'waiting for changes', since: 2, isWaiting: true });
});
