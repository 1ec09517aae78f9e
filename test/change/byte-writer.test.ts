import { expect, test } from 'vitest';
import { ByteWriter, Run } from '../../src/change/byte-writer.ts';

function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function fill(run: Run, kept: number, bytes: Buffer): void {
  run.change(kept).copy(bytes, 0, bytes.length);
}

test('copies runs of every length, from any place', () => {
  const source = Buffer.from(Array.from({ length: 200 }, (_, i) => i));
  for (let size = 0; size < 150; size++) {
    const out = new ByteWriter(1);
    out.copy(source.subarray(10), 3, 3 + size);
    expect([...out.view()]).toEqual([...source.subarray(13, 13 + size)]);
  }
});

test.each([0, 64, 300, 4096])('puts runs as they are now, with a shelf of %i bytes', (shelf) => {
  for (let seed = 1; seed <= 60; seed++) {
    const below = randomOf(seed);
    const writers = [0, 1, 2].map((slot) => new ByteWriter(8, shelf, slot));
    const expected = writers.map(() => '');
    const runs = Array.from({ length: 8 }, () => ({ run: new Run(), text: '' }));
    for (let step = 0; step < 600; step++) {
      const each = runs[below(runs.length)] as { run: Run; text: string };
      const w = below(writers.length);
      const out = writers[w] as ByteWriter;
      const action = below(20);
      if (action === 0) {
        const kept = below(each.text.length + 1);
        const more = String.fromCharCode(97 + below(26)).repeat(below(120));
        fill(each.run, kept, Buffer.from(more));
        each.text = each.text.slice(0, kept) + more;
      } else if (action === 1) {
        const text = 'x'.repeat(below(100));
        out.copy(Buffer.from(text), 0, text.length);
        expected[w] += text;
      } else if (action === 2) {
        const length = below((expected[w] as string).length + 1);
        out.length = out.start + length; // taken back, or begun anew
        expected[w] = (expected[w] as string).slice(0, length);
      } else {
        out.put(each.run);
        expected[w] += each.text;
      }
    }
    expect(writers.map((out) => out.view().toString())).toEqual(expected);
  }
});

test('puts runs of many writers of the same slot', () => {
  const run = new Run();
  fill(run, 0, Buffer.from('a run that is long enough'));
  const [one, two] = [new ByteWriter(8, 64), new ByteWriter(8, 64)];
  for (let i = 0; i < 5; i++) for (const out of [one, two]) out.put(run);
  expect(one.view().toString()).toBe('a run that is long enough'.repeat(5));
  expect(two.view().equals(one.view())).toBe(true);
});
