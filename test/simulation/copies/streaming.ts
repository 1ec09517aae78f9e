import { Op } from '../../../src/change/batch.ts';
import type { Batch } from '../../../src/change/batch.ts';
import { type CopyRequests, type CopySignal, NO_REQUESTS, partialTables } from '../../../src/change/copy-request.ts';
import type { KeyText } from '../../../src/change/copy-state.ts';
import { TransientError } from '../../../src/errors.ts';
import type { Incomplete } from '../../../src/source/wal/catch-up.ts';
import { visibleIn } from '../../../src/source/wal/visibility.ts';
import type { Chunk, Shown, TableReader, View } from '../../../src/source/wal/request/chunk-reader.ts';
import { ChunkWindow } from '../../../src/source/wal/request/chunk-window.ts';
import { Copier, type CopierParts } from '../../../src/source/wal/request/copier.ts';
import { RequestList } from '../../../src/source/wal/request/request-list.ts';
import { Random } from '../../../src/torture/random.ts';
import { lsnOf, positionOf } from '../world/database.ts';
import { COPIED, History, rowsOf, type State } from './history.ts';
import { readAgain } from './read-again.ts';
import { Replica } from './replica.ts';

const [KEYED] = COPIED;
const TARGET = { schema: KEYED.schema, name: KEYED.name };
/** Batches that one process streams before it is killed, at most; and those of the run. */
const LIFE = 60;
const RUN = 100;

/** A view of the model: what the server shows in the snapshot of a chunk, and where its WAL ends. */
interface ModelView extends View {
  readonly state: State;
}

/**
 * A table that is copied again and again while the stream goes on, by a source that is killed: copier, list and windows as they are in `src/`, between models of
 * server and sink. What a replica has of the table must be right row by row, and everything where nothing is said to be lacking. Returns what went wrong.
 */
export async function simulateStreamingCopies(
  seed: number,
  count: (what: string) => void,
): Promise<string | undefined> {
  return await new Streaming(new Random(seed), count).run();
}

class Streaming {
  readonly #random: Random;
  readonly #count: (what: string) => void;
  readonly #history: History;
  readonly #replica: Replica;
  #position: number;
  /** What the last checkpoint says. */
  #requests: CopyRequests = NO_REQUESTS;
  /** Where the stream has to come to before the last chunk that was read is sent. */
  #mark = 0;
  #left = RUN;
  #now = 0;
  #version = 10;

  constructor(random: Random, count: (what: string) => void) {
    this.#random = random;
    this.#count = count;
    this.#history = new History(random);
    this.#position = this.#history.lsn;
    this.#replica = Replica.of(this.#history.now);
  }

  async run(): Promise<string | undefined> {
    while (this.#left > 0) {
      const wrong = await this.#live();
      if (wrong !== undefined) return wrong;
      this.#write(4);
      this.#count('streaming copier killed');
    }
    return undefined;
  }

  /** One process, until it is killed. */
  async #live(): Promise<string | undefined> {
    const list = new RequestList();
    list.restore(this.#requests);
    const copier = new Copier(this.#parts(list));
    const ended = new AbortController();
    let life = this.#random.between(1, LIFE);
    const from = positionOf(this.#position);
    for await (const batch of copier.during(this.#stream(), from, true, ended.signal)) {
      this.#left--;
      if (life-- <= 0 || this.#left <= 0) break; // what was handed out last is not stored
      const wrong = this.#store(batch);
      if (wrong !== undefined) return wrong;
      copier.acknowledged(batch.position as string);
      if (this.#random.chance(0.06)) copier.ask(this.#signal()).catch(() => {}); // whoever asked dies with the process
    }
    ended.abort();
    return undefined;
  }

  #signal(): CopySignal {
    const id = 's';
    const roll = this.#random.below(10);
    if (roll < 7) return { kind: 'execute', id, tables: [TARGET], isBlocking: false };
    if (roll === 7) return { kind: 'stop', id, tables: [] };
    return { kind: roll === 8 ? 'pause' : 'resume', id };
  }

  async *#stream(): AsyncGenerator<Batch> {
    for (const batch of this.#history.stream(this.#position)) {
      yield batch;
      this.#write(1);
    }
  }

  #store(batch: Batch): string | undefined {
    const requests = batch.requests ?? NO_REQUESTS;
    const isPartial =
      partialTables(requests).has(KEYED.relationId) || partialTables(this.#requests).has(KEYED.relationId);
    batch.consistent = !isPartial; // what the sink expects of it
    this.#replica.apply(batch);
    batch.consistent = true;
    this.#position = lsnOf(batch.position as string);
    this.#requests = requests;
    for (let i = 0; i < batch.length; i++) if (batch.op[i] === Op.read) this.#count('row copied while streaming');
    if (this.#replica.contradictions.length > 0) return `while streaming ${this.#replica.contradictions[0]}`;
    const state = this.#history.stateAt(this.#position);
    // What was read again is as it will be at the copy's point, and so are values that a chunk had of a row as it will be at its mark.
    const ahead = [this.#mark, ...requests.tables.map(({ begun }) => lsnOf(begun?.point ?? '0'))];
    const isAhead = ahead.some((lsn) => lsn > this.#position);
    const isPart = partialTables(requests).has(KEYED.relationId);
    const part = isAhead ? undefined : this.#replica.stranger(state);
    const wrong = isPart ? part : this.#replica.difference(state);
    return wrong === undefined ? undefined : `streaming stands at ${this.#position}, but ${wrong}`;
  }

  #parts(list: RequestList): CopierParts {
    const now = (): number => (this.#now += 300);
    const clock = { now, monotonic: now, sleep: () => Promise.resolve() };
    return {
      list,
      clock,
      reader: this.#reader(),
      rereader: { complete: (changes: readonly Incomplete[]) => Promise.resolve(this.#complete(changes)) },
      versions: { last: (this.#version += 10) },
      want: () => {},
      warn: (what: string) => this.#count(`warned: ${what}`),
      settings: { maxBatchBytes: 1000 },
    } as unknown as CopierParts;
  }

  #reader(): TableReader {
    return {
      view: async (look) => {
        this.#write(2);
        return await look(this.#view());
      },
      flush: () => Promise.resolve(),
      isGone: () => Promise.resolve(false),
      show: () => {
        if (this.#random.chance(0.05)) return Promise.reject(new TransientError('The table is locked'));
        const source = { table: { ...KEYED }, rangeColumns: ['id'], rowFilter: undefined };
        return Promise.resolve({ source, fingerprint: 'f', estimatedRows: 1, bytes: 1 } as unknown as Shown);
      },
      read: (view, _shown, table, after) => Promise.resolve(this.#chunk(view as ModelView, table, after)),
      begin: () => {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  /** A snapshot that shows all commits, or lacks the last ones, which are in the WAL nevertheless (F11). */
  #view(): ModelView {
    const { lsn } = this.#history;
    const isLate = this.#random.chance(0.2);
    const { state, unseen } = this.#history.shown(isLate ? this.#random.between(1, 3) : 0);
    const snapshot = `${unseen[0] ?? lsn + 1}:${lsn + 1}:${unseen.join(',')}`;
    return { client: undefined as never, snapshot, running: unseen, lsn, state };
  }

  #chunk({ state, snapshot, lsn }: ModelView, table: ChunkWindow['table'], after: KeyText | null): Chunk {
    const rows = rowsOf(state, { from: after, to: null });
    const size = this.#random.between(1, 5);
    const window = new ChunkWindow(table, visibleIn(snapshot));
    const read = rows.slice(0, size);
    for (const row of read) window.add(Buffer.from(`${row.map((cell) => cell ?? '\\N').join('\t')}\n`));
    this.#write(2);
    this.#mark = lsn;
    return { window, end: rows.length > size ? [read.at(-1)?.[0] as string] : null };
  }

  #complete(changes: readonly Incomplete[]): number {
    this.#write(2);
    for (const each of changes) {
      this.#count('row of a copy while streaming read again');
      readAgain(each, this.#history.now);
    }
    return this.#history.lsn;
  }

  #write(most: number): void {
    for (let i = this.#random.between(0, most); i > 0; i--) this.#history.commit();
  }
}
