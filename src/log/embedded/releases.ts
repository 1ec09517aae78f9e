import type { Cursor } from '../log.ts';
import { readState, writeState } from './durable-file.ts';
import type { Mark } from './recovery.ts';

const FILE = 'releases.json';

interface ReleasesState {
  readonly mark: Mark;
  readonly trims: Readonly<Record<string, number>>;
  readonly readers: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** By topic name: an offset. */
type Offsets = Map<string, number>;

/** Who reads the log and what they need of it no more; also up to where the log is known to be whole. */
export class Releases {
  readonly #directory: string;
  readonly #trims: Offsets;
  readonly #readers: Map<string, Offsets>;
  /** What was known to be durable when this was stored last. */
  readonly storedMark: Mark | undefined;

  private constructor(directory: string, state: ReleasesState | undefined) {
    this.#directory = directory;
    this.storedMark = state?.mark;
    this.#trims = new Map(Object.entries(state?.trims ?? {}));
    const readers = Object.entries(state?.readers ?? {});
    this.#readers = new Map(readers.map(([reader, offsets]) => [reader, new Map(Object.entries(offsets))]));
  }

  static async read(directory: string): Promise<Releases> {
    return new Releases(directory, (await readState(directory, FILE)) as ReleasesState | undefined);
  }

  async save(mark: Mark): Promise<void> {
    const readers = [...this.#readers].map(([reader, offsets]) => [reader, Object.fromEntries(offsets)] as const);
    const state = { mark, trims: Object.fromEntries(this.#trims), readers: Object.fromEntries(readers) };
    await writeState(this.#directory, FILE, state satisfies ReleasesState);
  }

  get readers(): string[] {
    return [...this.#readers.keys()];
  }

  /** The offset below which a topic was trimmed. */
  trimmed(topic: string): number {
    return this.#trims.get(topic) ?? 0;
  }

  trim(topic: string, before: number): void {
    this.#trims.set(topic, Math.max(before, this.trimmed(topic)));
  }

  /** The offset below which nobody needs the topic any more: every reader has released it, and there is a reader. */
  released(topic: string): number {
    if (this.#readers.size === 0) return this.trimmed(topic);
    let lowest = Number.MAX_SAFE_INTEGER;
    for (const offsets of this.#readers.values()) lowest = Math.min(lowest, offsets.get(topic) ?? 0);
    return Math.max(lowest, this.trimmed(topic));
  }

  /** Notes what `reader` released; true when the reader is a new one. What it says last counts, even if it is less. */
  release(reader: string, cursors: readonly Cursor[]): boolean {
    const known = this.#readers.get(reader);
    const offsets: Offsets = known ?? new Map<string, number>();
    for (const { topic, offset } of cursors) offsets.set(topic, offset);
    this.#readers.set(reader, offsets);
    return known === undefined;
  }

  /** A reader that will never come back; true when it was known. */
  forget(reader: string): boolean {
    return this.#readers.delete(reader);
  }
}
