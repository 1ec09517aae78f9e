import type { PartitionCursor } from './partition-cursor.ts';

/** Where a record stands. */
export type RecordPlace = Pick<PartitionCursor, 'topic' | 'partition' | 'offset'>;

/** Where the changes of a batch came from, so that one which is refused later can be named. Reused with the batch: two stores per change. */
export class ChangePlaces {
  #cursors: PartitionCursor[] = [];
  #offsets: Float64Array = new Float64Array(64);
  #length = 0;

  clear(): void {
    this.#length = 0;
    this.#cursors = [];
  }

  /** The batch has `changes` changes; those that are new came from the record that the cursor is on. */
  reach(changes: number, cursor: PartitionCursor): void {
    while (this.#length < changes) {
      if (this.#length === this.#offsets.length) this.#grow();
      this.#offsets[this.#length++] = cursor.offset;
      this.#cursors.push(cursor);
    }
  }

  /** Of a change of the batch as it is now; undefined when there is no such change. */
  at(change: number): RecordPlace | undefined {
    const cursor = change < this.#length ? this.#cursors[change] : undefined;
    return cursor && { topic: cursor.topic, partition: cursor.partition, offset: this.#offsets[change] as number };
  }

  #grow(): void {
    const larger = new Float64Array(2 * this.#offsets.length);
    larger.set(this.#offsets);
    this.#offsets = larger;
  }
}
