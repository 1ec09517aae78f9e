import type { PartitionCursor } from './partition-cursor.ts';

/** Where a record stands. */
export type RecordPlace = Pick<PartitionCursor, 'topic' | 'partition' | 'offset'>;

/** Changes of which each came from the record behind that of the one before. */
interface Run {
  readonly cursor: PartitionCursor;
  /** Of its first change, in the batch. */
  readonly change: number;
  /** Of its first record. */
  readonly offset: number;
}

/** Where the changes of a batch came from, so that one which is refused later can be named. Emptied with the batch; rows one behind the other cost nothing. */
export class ChangePlaces {
  #runs: Run[] = [];
  #last: Run | undefined;
  #length = 0;

  clear(): void {
    this.#runs = [];
    this.#last = undefined;
    this.#length = 0;
  }

  /** The batch has `changes` changes; those that are new came from the record that the cursor is on. */
  reach(changes: number, cursor: PartitionCursor): void {
    const { offset } = cursor;
    for (let change = this.#length; change < changes; change++) {
      const last = this.#last;
      if (last?.cursor === cursor && offset - last.offset === change - last.change) continue;
      this.#last = { cursor, change, offset };
      this.#runs.push(this.#last);
    }
    this.#length = changes;
  }

  /** Of a change of the batch as it is now; undefined when there is no such change. */
  at(change: number): RecordPlace | undefined {
    if (change >= this.#length) return undefined;
    const run = this.#runs.findLast((each) => each.change <= change);
    return (
      run && { topic: run.cursor.topic, partition: run.cursor.partition, offset: run.offset + change - run.change }
    );
  }
}
