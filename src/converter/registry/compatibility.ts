import type { Type } from 'avsc';
import { type Difference, kindOf, nameOf, type Pair, type Resolution, resolve, sizeOf } from './avro-resolution.ts';
import { type CompatibilityLevel, InvalidSchema } from './registry.ts';
import { parseSchema } from './schema-text.ts';

const NEW = 'the new schema';
const EARLIER = 'the earlier schema';

/** How many fields, branches and symbols are compared, all told: tables of 1600 columns stay far below, big unions in big unions take minutes. */
const MAX_COMPARED = 600_000;
/** How many reasons are told: nobody reads more, and schemas may differ everywhere. */
const MAX_REASONS = 100;
/** How deep pairs lead to pairs: each level is a call. */
const MAX_DEPTH = 1_000;

/**
 * Why `schema` is not compatible with the earlier ones (oldest first) at the level; empty when it is. Each reason names the place
 * (`Order.lines[].price`) and who cannot read whom. Throws InvalidSchema.
 */
export function incompatibilities(
  schema: string,
  others: readonly string[],
  level: CompatibilityLevel,
): readonly string[] {
  const type = parseSchema(schema);
  if (level === 'NONE') return [];
  const compared = level.endsWith('_TRANSITIVE') ? [...others].reverse() : others.slice(-1);
  const reasons = compared
    .map(parseSchema)
    .flatMap((other) => [
      ...(level.startsWith('FORWARD') ? [] : unreadable(type, other, NEW, EARLIER)),
      ...(level.startsWith('BACKWARD') ? [] : unreadable(other, type, EARLIER, NEW)),
    ]);
  const all = [...new Set(reasons)];
  return all.length <= MAX_REASONS
    ? all
    : [...all.slice(0, MAX_REASONS), `and ${all.length - MAX_REASONS} more reasons like these`];
}

/** Why a reader with the first schema cannot read what a writer with the second wrote. */
function unreadable(reader: Type, writer: Type, readerName: string, writerName: string): readonly string[] {
  const root = { path: reader.name ?? '(top)', reader, writer };
  const pairs = new Pairs();
  if (pairs.resolves(root)) return [];
  return pairs.differences(root).map(({ path, message }) => `${path}: ${message(readerName, writerName)}`);
}

/**
 * Pairs of types of two schemas, which may refer to themselves: a pair resolves unless it must fail. What failed is found by going
 * through them until nothing new fails, so each round is as long as the schemas, whatever refers to what how often.
 */
class Pairs {
  readonly #failed: Map<Type, Set<Type>> = new Map();
  #seen: Map<Type, Set<Type>> = new Map();
  #hasNewFailure = false;
  #left = MAX_COMPARED;
  #depth = 0;

  resolves(root: Pair): boolean {
    do {
      this.#hasNewFailure = false;
      this.#seen = new Map();
      this.#holds(root);
    } while (this.#hasNewFailure);
    return !has(this.#failed, root);
  }

  /** What is wrong with a pair that does not resolve, once for each pair. */
  differences(root: Pair): readonly Difference[] {
    this.#seen = new Map();
    return this.#explain(root);
  }

  #holds(pair: Pair): boolean {
    if (has(this.#failed, pair)) return false;
    if (has(this.#seen, pair)) return true;
    add(this.#seen, pair);
    const holds = this.#within(() => this.#judge(pair));
    if (!holds) {
      add(this.#failed, pair);
      this.#hasNewFailure = true;
    }
    return holds;
  }

  /** Throws InvalidSchema where comparing would not end in time. */
  #resolve(pair: Pair): Resolution {
    this.#left -= 1 + sizeOf(pair.reader) + sizeOf(pair.writer);
    if (this.#left < 0) throw tooLarge();
    return resolve(pair);
  }

  /** One level deeper; throws InvalidSchema where that would be too deep. */
  #within<T>(look: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw tooLarge();
    const found = look();
    this.#depth--;
    return found;
  }

  #judge(pair: Pair): boolean {
    const { wrong, all, any } = this.#resolve(pair);
    // Every part is looked at, also behind one that fails: afterwards the failed ones are all known.
    const parts = all.map((part) => this.#holds(part));
    const branches = any?.map((branch) => this.#holds(branch));
    return wrong.length === 0 && !parts.includes(false) && branches?.includes(true) !== false;
  }

  #explain(pair: Pair): readonly Difference[] {
    if (has(this.#seen, pair) || !has(this.#failed, pair)) return [];
    // Schemas refer to themselves through records only; an int that cannot read a string is told at every place.
    if (kindOf(pair.reader) === 'record') add(this.#seen, pair);
    const { wrong, all, any } = this.#resolve(pair);
    const inside = all.flatMap((part) => this.#explain(part));
    return any === undefined ? [...wrong, ...inside] : this.#noBranch(pair, any);
  }

  #noBranch(pair: Pair, branches: readonly Pair[]): readonly Difference[] {
    // Where one branch is meant (nullable columns: null and a record), its own reasons say more than that none fits.
    const meant = branches.filter((branch) => kindOf(branch.reader) === kindOf(branch.writer));
    const inside = meant.length === 1 ? meant.flatMap((branch) => this.#explain(branch)) : [];
    if (inside.length > 0) return inside;
    const { path, reader, writer } = pair;
    return [
      { path, message: (r, w) => `no branch of the ${nameOf(reader)} of ${r} can read the ${nameOf(writer)} of ${w}` },
    ];
  }
}

function tooLarge(): InvalidSchema {
  return new InvalidSchema('Schema is too large to be compared with an earlier one');
}

function has(pairs: ReadonlyMap<Type, ReadonlySet<Type>>, { reader, writer }: Pair): boolean {
  return pairs.get(reader)?.has(writer) === true;
}

function add(pairs: Map<Type, Set<Type>>, { reader, writer }: Pair): void {
  const writers = pairs.get(reader) ?? new Set();
  pairs.set(reader, writers);
  writers.add(writer);
}
