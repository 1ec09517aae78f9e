import type { PlacedBatch } from './format.ts';

/** Where the batches of one topic lie in one file: three numbers per batch in typed arrays. */
export class TopicBatches {
  length = 0;
  /** The offset behind the last batch. */
  end: number;
  #bases = new Float64Array(16);
  #positions = new Float64Array(16);
  #sizes = new Uint32Array(16);

  constructor(start: number) {
    this.end = start;
  }

  add(base: number, count: number, position: number, size: number): void {
    if (this.length === this.#bases.length) this.#grow();
    this.#bases[this.length] = base;
    this.#positions[this.length] = position;
    this.#sizes[this.length] = size;
    this.length++;
    this.end = base + count;
  }

  base(i: number): number {
    return this.#bases[i] as number;
  }

  position(i: number): number {
    return this.#positions[i] as number;
  }

  size(i: number): number {
    return this.#sizes[i] as number;
  }

  /** The batch that holds `offset`: the last one that begins at or below it; -1 when there is none. */
  find(offset: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.base(middle) <= offset) low = middle + 1;
      else high = middle;
    }
    return offset < this.end ? low - 1 : -1;
  }

  /** The size of the batches that have records at or above `offset`. */
  bytesFrom(offset: number): number {
    let bytes = 0;
    for (let i = this.length - 1; i >= 0; i--) {
      const end = i + 1 < this.length ? this.base(i + 1) : this.end;
      if (end <= offset) break;
      bytes += this.size(i);
    }
    return bytes;
  }

  #grow(): void {
    const size = this.length * 2;
    const [bases, positions, sizes] = [new Float64Array(size), new Float64Array(size), new Uint32Array(size)];
    bases.set(this.#bases);
    positions.set(this.#positions);
    sizes.set(this.#sizes);
    this.#bases = bases;
    this.#positions = positions;
    this.#sizes = sizes;
  }
}

/** Where the batches of one file lie, by topic number. */
export class BatchIndex {
  readonly topics: Map<number, TopicBatches> = new Map();

  add({ topic, base, count, size }: PlacedBatch, position: number): void {
    let batches = this.topics.get(topic);
    if (batches === undefined) this.topics.set(topic, (batches = new TopicBatches(base)));
    batches.add(base, count, position, size);
  }

  /** Adds the batches of one frame, which lie one after another from `position` on. */
  addFrame(batches: readonly PlacedBatch[], position: number): void {
    let at = position;
    for (const batch of batches) {
      this.add(batch, at);
      at += batch.size;
    }
  }
}
