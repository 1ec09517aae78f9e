import { expect, onTestFinished, test } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { Wakefulness } from '../../../src/log/kafka/wakefulness.ts';

function watched(): { wakefulness: Wakefulness; pass: (ms: number, wallMs?: number) => void } {
  let [monotonic, wall] = [1000, 50_000];
  const wakefulness = new Wakefulness({ monotonic: () => monotonic, wall: () => wall });
  onTestFinished(() => wakefulness.close());
  return {
    wakefulness,
    pass(ms, wallMs = ms) {
      monotonic += ms;
      wall += wallMs;
    },
  };
}

test('a process that runs may write', () => {
  const { wakefulness, pass } = watched();
  for (let i = 0; i < 20; i++) {
    pass(1000);
    wakefulness.note();
  }
  expect(() => wakefulness.verify(0)).not.toThrow();
});

test('one that was away is refused until it has made sure, though its timer came first', () => {
  const { wakefulness, pass } = watched();
  pass(9000);
  wakefulness.note();
  pass(1000);
  expect(() => wakefulness.verify(0)).toThrow(TransientError);
  expect(() => wakefulness.verify(0)).toThrow(TransientError);
  expect(() => wakefulness.verify(wakefulness.note())).not.toThrow();
});

test('a machine that slept is noticed, though its own clock stood still', () => {
  const { wakefulness, pass } = watched();
  pass(10, 3_600_000);
  expect(() => wakefulness.verify(0)).toThrow('This process did not run for 3600 s');
});
