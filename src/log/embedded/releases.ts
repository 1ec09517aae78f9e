import type { Cursor } from '../log.ts';
import { isJsonObject } from '../../json.ts';
import { type OwnedDirectory, readState, writeState } from './durable-file.ts';
import type { Mark } from './recovery.ts';

const FILE = 'releases.json';

interface ReleasesState {
  readonly mark: Mark;
  readonly trims: Readonly<Record<string, number>>;
  readonly readers: Readonly<
    Record<string, { readonly scope: string; readonly offsets: Readonly<Record<string, number>> }>
  >;
}

/** By topic name: an offset. */
type Offsets = Map<string, number>;

/** What one reader needs: the topics whose names begin with `scope`, from these offsets on, or all of them. */
interface Needs {
  scope: string;
  readonly offsets: Offsets;
}

/** The first checkpoint of a source that was stored behind something. */
export interface Behind {
  readonly scope: string;
  readonly topic: string;
  readonly offset: number;
}

function isReleasesState(value: unknown): value is ReleasesState {
  if (!isJsonObject(value) || !isJsonObject(value.mark) || !isJsonObject(value.readers)) return false;
  const { segment, size } = value.mark;
  return (
    [segment, size].every(isOffset) &&
    isOffsets(value.trims) &&
    Object.values(value.readers).every(
      (reader) => isJsonObject(reader) && typeof reader.scope === 'string' && isOffsets(reader.offsets),
    )
  );
}

function isOffsets(value: unknown): boolean {
  return isJsonObject(value) && Object.values(value).every(isOffset);
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Who reads the log and what they need of it no more; also up to where the log is known to be whole. */
export class Releases {
  readonly #directory: OwnedDirectory;
  readonly #trims: Offsets;
  readonly #readers: Map<string, Needs>;
  /** What was known to be durable when this was stored last. */
  readonly storedMark: Mark | undefined;

  private constructor(directory: OwnedDirectory, state: ReleasesState | undefined) {
    this.#directory = directory;
    this.storedMark = state?.mark;
    this.#trims = new Map(Object.entries(state?.trims ?? {}));
    const readers = Object.entries(state?.readers ?? {});
    this.#readers = new Map(
      readers.map(([reader, { scope, offsets }]) => [reader, { scope, offsets: new Map(Object.entries(offsets)) }]),
    );
  }

  static async read(directory: OwnedDirectory): Promise<Releases> {
    return new Releases(directory, await readState(directory.path, FILE, isReleasesState));
  }

  async save(mark: Mark): Promise<void> {
    const readers = [...this.#readers].map(
      ([reader, { scope, offsets }]) => [reader, { scope, offsets: Object.fromEntries(offsets) }] as const,
    );
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

  /**
   * True when nobody needs the topic below `end` any more: it was trimmed, or there is a reader, and each of its scope has released it, or a checkpoint
   * that lies `behind` all that.
   */
  isReleased(topic: string, end: number, behind: Behind | undefined): boolean {
    if (this.trimmed(topic) >= end) return true;
    const needs = [...this.#readers.values()].filter(({ scope }) => topic.startsWith(scope));
    const isPassed = ({ scope, offsets }: Needs): boolean =>
      scope === behind?.scope && (offsets.get(behind.topic) ?? 0) > behind.offset;
    return needs.length > 0 && needs.every((each) => (each.offsets.get(topic) ?? 0) >= end || isPassed(each));
  }

  /** Notes what `reader` released; true when the reader or its scope is a new one. What it says last counts, even if it is less. */
  release(reader: string, scope: string, cursors: readonly Cursor[]): boolean {
    const known = this.#readers.get(reader);
    const needs: Needs = known ?? { scope, offsets: new Map<string, number>() };
    const isNew = known?.scope !== scope;
    needs.scope = scope;
    for (const { topic, offset } of cursors) needs.offsets.set(topic, offset);
    this.#readers.set(reader, needs);
    return isNew;
  }

  /** A reader that will never come back; true when it was known. */
  forget(reader: string): boolean {
    return this.#readers.delete(reader);
  }
}
