import type { Cursor, Fetched } from '../log/log.ts';
import { partitionKey } from '../log/partition-key.ts';
import { countRecords } from '../log/record-reader.ts';

type Partition = Pick<Fetched, 'topic' | 'partition'>;
/** What a log was asked for: of each partition, and of all of them. */
interface Question {
  readonly cursors: readonly Cursor[];
  readonly maxBytes: number;
}
type Answered = Pick<Fetched, 'topic' | 'partition' | 'bytes'>;

/** Rows of a table differ: a fifth more is asked for, and what a batch costs by itself. */
const SPARE = 1.2;
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
    return Math.ceil(this.#widthOf(partitionKey(partition)) * records * SPARE) + SPARE_BYTES;
  }

  /** Takes in what a log answered, of partitions which all have records. */
  learn(fetched: readonly Answered[], { cursors, maxBytes }: Question): void {
    // What a partition sends may end in a batch that is cut off, of which nothing is told.
    const shares = new Map(cursors.map((cursor) => [partitionKey(cursor), cursor.maxBytes ?? 0]));
    const sent = fetched.reduce(
      (sum, each) => sum + (each.bytes.length > 0 ? (shares.get(partitionKey(each)) ?? 0) : 0),
      0,
    );
    const hadRoom = sent <= maxBytes / 2;
    for (const each of fetched) {
      if (each.bytes.length > 0) this.#note(each);
      else if (hadRoom) this.#outgrown(each);
    }
  }

  #note(fetched: Answered): void {
    const { length } = fetched.bytes;
    const records = countRecords(fetched.bytes);
    this.#bytes += length;
    this.#records += records;
    this.#widths.set(partitionKey(fetched), length / records);
  }

  /** Its next batch was larger than what was asked for. */
  #outgrown(partition: Partition): void {
    const name = partitionKey(partition);
    this.#widths.set(name, this.#widthOf(name) * GROWTH);
  }

  #widthOf(name: string): number {
    return this.#widths.get(name) ?? (this.#records === 0 ? UNKNOWN_BYTES : this.#bytes / this.#records);
  }
}
