import type { Fetched } from '../log/log.ts';
import { countRecords } from '../log/record-reader.ts';
import { partitionName } from './covered-cursors.ts';

type Partition = Pick<Fetched, 'topic' | 'partition'>;

/** Rows of a table differ: half as much again is asked for, and what a batch costs by itself. */
const SPARE = 1.5;
const SPARE_BYTES = 1024;
/** How much more is asked for when a batch was larger. */
const GROWTH = 4;

/** Of a record, while nothing was read. */
const UNKNOWN_BYTES = 256;

/** How many bytes the records of each partition took, so that who knows how many of them it needs can ask for so many bytes. */
export class RecordWidths {
  readonly #widths = new Map<string, number>();
  #bytes = 0;
  #records = 0;

  /** What `records` of a partition take, with some to spare; one that was never read is taken for one like the others. */
  bytesOf(partition: Partition, records: number): number {
    return Math.ceil(this.#widthOf(partitionName(partition)) * records * SPARE) + SPARE_BYTES;
  }

  /** Whole batches of a partition were read. */
  note(fetched: Pick<Fetched, 'topic' | 'partition' | 'bytes'>): void {
    const { length } = fetched.bytes;
    const records = countRecords(fetched.bytes);
    this.#bytes += length;
    this.#records += records;
    this.#widths.set(partitionName(fetched), length / records);
  }

  /** The next batch of a partition was larger than what was asked for. */
  outgrown(partition: Partition): void {
    const name = partitionName(partition);
    this.#widths.set(name, this.#widthOf(name) * GROWTH);
  }

  #widthOf(name: string): number {
    return this.#widths.get(name) ?? (this.#records === 0 ? UNKNOWN_BYTES : this.#bytes / this.#records);
  }
}
