import { createHash } from 'node:crypto';
import type { KeyDigest } from './poll-state.ts';

/** What a remembered key costs besides its text: an entry of a map, and a string. */
const ENTRY_BYTES = 96;
/** Digests are sums below 2^48, so that the order of keys does not matter and sums stay exact. */
const DIGEST_BYTES = 6;
const MODULUS = 2 ** 48;

/** The keys of each table that were sent, as lines of COPY, while they fit. */
export class KeyMemory {
  readonly #maxBytes: number;
  readonly #tables = new Map<number, Map<string, number>>();
  #bytes = 0;
  #generation = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Begins to look at all keys of a table as they are now. */
  look(relationId: number): KeyLook {
    const keys = this.#tables.get(relationId);
    this.forget(relationId); // it is remembered again when the look is over
    const generation = ++this.#generation;
    let [count, digest] = [0, 0];
    let present: Map<string, number> | undefined = keys ?? new Map<string, number>();
    let bytes = sizeOf(present);
    return {
      see: (line) => {
        count++;
        digest = (digest + digestOf(line)) % MODULUS;
        if (present === undefined) return;
        const key = line.toString('utf8');
        if (!present.has(key)) bytes += key.length + ENTRY_BYTES;
        present.set(key, generation);
        if (this.#bytes + bytes > this.#maxBytes) present = undefined;
      },
      end: () => {
        const gone = keys === undefined || present === undefined ? undefined : goneSince(present, generation);
        for (const key of gone ?? []) present?.delete(key);
        if (present !== undefined) {
          this.#tables.set(relationId, present);
          this.#bytes += sizeOf(present);
        }
        return { keys: { count, digest: digest.toString(36) }, gone, fits: present !== undefined };
      },
    };
  }

  forget(relationId: number): void {
    const keys = this.#tables.get(relationId);
    if (keys === undefined) return;
    this.#bytes -= sizeOf(keys);
    this.#tables.delete(relationId);
  }
}

/** A look at all keys of one table. */
export interface KeyLook {
  see(line: Buffer): void;
  /** `gone` are the keys that were sent and are not there any more; undefined when nobody remembers what was sent. */
  end(): LookedAtKeys;
}

export interface LookedAtKeys {
  readonly keys: KeyDigest;
  readonly gone: readonly string[] | undefined;
  /** False: there are more keys than may be remembered. */
  readonly fits: boolean;
}

function goneSince(keys: ReadonlyMap<string, number>, generation: number): string[] {
  const gone: string[] = [];
  for (const [key, seen] of keys) if (seen !== generation) gone.push(key);
  return gone;
}

function sizeOf(keys: ReadonlyMap<string, number>): number {
  let bytes = 0;
  for (const key of keys.keys()) bytes += key.length + ENTRY_BYTES;
  return bytes;
}

function digestOf(line: Buffer): number {
  return createHash('md5').update(line).digest().readUIntBE(0, DIGEST_BYTES);
}
