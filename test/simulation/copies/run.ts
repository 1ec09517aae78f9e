import { Batch, Op } from '../../../src/change/batch.ts';
import { type CopyState, isWhole } from '../../../src/change/copy-state.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { type Chunk, WorkList } from '../../../src/source/snapshot/work-list.ts';
import { catchUp, type Incomplete } from '../../../src/source/wal/catch-up.ts';
import { Random } from '../../../src/torture/random.ts';
import { lsnOf, positionOf } from '../world/database.ts';
import { addRow, type ModelRow } from '../world/rows.ts';
import { COPIED, History, rowsOf } from './history.ts';
import { readAgain } from './read-again.ts';
import { Replica } from './replica.ts';

const { signal } = new AbortController();
const WORKS = COPIED.map(({ relationId, key }) => ({ relationId, hasKey: key.length > 0 }));
const FINGERPRINT = 'the same tables';
/** Batches behind the first consistent one, to be applied strictly. */
const STRICT_BATCHES = 12;

/**
 * One first copy by several readers that is killed again and again, of tables that are written to all the time: the work list and the
 * catching up as they are in `src/`, between models of server and sink. Returns what went wrong: where the copy is called consistent the replica
 * must have what the source had at that position, and go on from there without meeting anything unexpected.
 */
export async function simulateCopy(seed: number, count: (what: string) => void): Promise<string | undefined> {
  const copy = new Copy(new Random(seed), count);
  return await copy.run();
}

class Copy {
  readonly #random: Random;
  readonly #count: (what: string) => void;
  readonly #history: History;
  readonly #replica = new Replica();
  /** What the last checkpoint says. */
  #state: CopyState | undefined;
  #position = 0;
  #killsLeft: number;

  constructor(random: Random, count: (what: string) => void) {
    this.#random = random;
    this.#count = count;
    this.#history = new History(random);
    this.#killsLeft = random.between(0, 5);
  }

  async run(): Promise<string | undefined> {
    while (this.#state === undefined || !isWhole(this.#state)) {
      if (this.#copy()) return this.#replica.difference(this.#history.stateAt(this.#position)); // nobody interrupted it
      this.#write(6);
    }
    for (;;) {
      const found = await this.#catchUp();
      if (found !== undefined) return found === '' ? undefined : found;
      this.#write(3);
    }
  }

  /** Copies until it is killed or done; true when the result is consistent. */
  #copy(): boolean {
    const before = this.#state;
    const point = this.#history.lsn;
    const shown = this.#history.now;
    if (before === undefined) this.#position = point;
    else this.#count('copy taken up by a newer snapshot');
    const work = new WorkList(WORKS, FINGERPRINT, positionOf(point), before);
    const begin = new Batch();
    const again = work.again.map((place) => COPIED[place] as TableSchema);
    if (before === undefined) begin.addControl({ kind: 'snapshot-begin', tables: [...COPIED] }, 0, point);
    else if (again.length > 0) begin.addControl({ kind: 'snapshot-again', tables: again }, 0, point);
    this.#store(begin, work.state());
    const readers: { chunk: Chunk; rows: ModelRow[] }[] = [];
    for (;;) {
      this.#write(1);
      const next = readers.length < 3 && this.#random.chance(0.6) ? work.take() : undefined;
      if (next !== undefined) {
        const rows = next.table === 1 ? [...shown.keyless] : rowsOf(shown, next.range);
        const size = this.#random.between(1, 4);
        const isCut = next.table === 0 && next.range.to === null && rows.length > size;
        const chunk = isCut ? work.cut(next, [rows[size - 1]?.[0] as string]) : next;
        readers.push({ chunk, rows: isCut ? rows.slice(0, size) : rows });
      } else if (readers.length === 0) {
        if (work.isDone) break;
        continue;
      }
      const reader = readers[this.#random.below(readers.length)];
      if (reader === undefined) continue;
      const some = reader.rows.splice(0, this.#random.between(1, 3));
      if (reader.rows.length === 0) {
        readers.splice(readers.indexOf(reader), 1);
        work.done(reader.chunk, some.length);
      }
      if (this.#isKilled('copy killed')) return false;
      this.#store(readsOf(reader.chunk.table, some, point), work.state());
      if (this.#isKilled('copy killed')) return false;
    }
    return before === undefined;
  }

  /** Streams until it is killed, or for a while behind the point; the empty text says that all was right. */
  async #catchUp(): Promise<string | undefined> {
    const state = this.#state as CopyState;
    let strict = 0;
    const batches = catchUp(this.#stream(), state, (changes) => this.#complete(changes), false, signal);
    for await (const batch of batches) {
      if (strict === 0 && this.#isKilled('catching up killed')) return undefined;
      this.#replica.apply(batch);
      this.#position = lsnOf(batch.position as string);
      this.#state = batch.copy;
      if (!batch.consistent) continue;
      const { contradictions } = this.#replica;
      if (contradictions.length > 0) return `behind the copy ${contradictions[0]}`;
      const difference = this.#replica.difference(this.#history.stateAt(this.#position));
      if (difference !== undefined) return `consistent at ${this.#position}, but ${difference}`;
      if (++strict > STRICT_BATCHES) return '';
    }
    return 'the stream ended';
  }

  async *#stream(): AsyncGenerator<Batch> {
    for (const batch of this.#history.stream(this.#position)) {
      yield batch;
      this.#write(1);
    }
  }

  async #complete(changes: readonly Incomplete[]): Promise<number> {
    this.#write(2);
    for (const each of changes) {
      this.#count('row read again');
      readAgain(each, this.#history.now);
    }
    return this.#history.lsn;
  }

  /** Data and checkpoint are stored at once. */
  #store(batch: Batch, state: CopyState): void {
    batch.consistent = false;
    this.#replica.apply(batch);
    this.#state = state;
  }

  #isKilled(what: string): boolean {
    if (this.#killsLeft === 0 || !this.#random.chance(0.12)) return false;
    this.#killsLeft--;
    this.#count(what);
    return true;
  }

  #write(most: number): void {
    for (let i = this.#random.between(0, most); i > 0; i--) this.#history.commit();
  }
}

function readsOf(place: number, rows: readonly ModelRow[], point: number): Batch {
  const batch = new Batch();
  batch.transactions.push({ xid: 0, commitLsn: point, commitTimeUs: 0 });
  batch.tables.push(COPIED[place] as TableSchema);
  for (const row of rows) batch.addChange(Op.read, 0, 0, point, -1, addRow(batch, row));
  return batch;
}
