import type { Cursor } from '../log.ts';
import { type OwnedDirectory, readState, writeState } from './durable-file.ts';
import type { Mark } from './recovery.ts';
import { isJsonObject } from '../../json.ts';

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

  /** The offset below which nobody needs the topic any more: every reader of its scope has released it, and there is one. */
  released(topic: string): number {
    const needs = [...this.#readers.values()].filter(({ scope }) => topic.startsWith(scope));
    if (needs.length === 0) return this.trimmed(topic);
    return Math.max(Math.min(...needs.map(({ offsets }) => offsets.get(topic) ?? 0)), this.trimmed(topic));
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
