import { expect, test } from 'vitest';
import { CursorMerge } from '../../src/pipeline/cursor-merge.ts';
import { Random } from '../../src/torture/random.ts';

/** A cursor over some places, of which `ready` are there until it is fed again. */
class Places {
  readonly #places: [number, number][];
  #ready = 0;

  constructor(places: [number, number][]) {
    this.#places = places;
  }

  get done(): boolean {
    return this.#places.length === 0;
  }

  get loaded(): boolean {
    return !this.done && this.#ready > 0;
  }

  get number(): number {
    return this.#places[0]?.[0] as number;
  }

  get index(): number {
    return this.#places[0]?.[1] as number;
  }

  take(): [number, number] {
    this.#ready--;
    return this.#places.shift() as [number, number];
  }

  feed(count: number): void {
    this.#ready = count;
  }
}

test.each([1, 2, 3, 7, 100])('%i cursors are merged by number and index, whatever is fed when', (count) => {
  const random = new Random(count);
  const all = Array.from({ length: 400 }, (_, i): [number, number] => [Math.floor(i / 50), i % 50]);
  const dealt = Array.from({ length: count }, (): [number, number][] => []);
  for (const place of all) dealt[random.below(count)]?.push(place);
  const cursors = dealt.map((places) => new Places(places));
  for (const cursor of cursors) if (random.chance(0.5)) cursor.feed(random.between(1, 3));
  const merge = new CursorMerge(cursors);
  const taken: [number, number][] = [];
  while (merge.open.length > 0) {
    if (merge.waiting.length > 0) {
      for (const cursor of merge.waiting) if (random.chance(0.6)) cursor.feed(random.between(1, 3));
      merge.fed();
      continue;
    }
    taken.push((merge.first as Places).take());
    merge.moved();
  }
  expect(taken).toEqual(all);
  expect(merge.first).toBeUndefined();
});

test('the first of those that are loaded is known while others wait', () => {
  const [near, far] = [new Places([[1, 4]]), new Places([[1, 5]])];
  near.feed(1);
  const merge = new CursorMerge([far, near]);
  expect(merge.first).toBe(near);
  expect(merge.waiting).toEqual([far]);
});
