/** Where a process of a source is to die. */
export type Kill =
  /** At the n-th await point between the pipeline and its source or its log, from 1. */
  | { readonly at: 'call'; readonly n: number }
  /** When the source sends something to its server for the n-th time. */
  | { readonly at: 'exchange'; readonly n: number };

/** The process is dead: nothing that it does counts any more. */
export class KilledError extends Error {}

/** Every await point at which a process meets its source or its log passes here; one of them may be its last. */
export class Gate {
  readonly #killAt: number | undefined;
  readonly #onDeath: () => void;
  #passed = 0;
  /** Where it died. */
  diedAt: string | undefined;

  constructor(kill: Kill | undefined, onDeath: () => void) {
    this.#killAt = kill?.at === 'call' ? kill.n : undefined;
    this.#onDeath = onDeath;
  }

  /** True when the next point is the one to die at. */
  get isDue(): boolean {
    return this.#passed + 1 === this.#killAt;
  }

  /** Throws KilledError at the point to die at, and ever after. */
  cross(point: string): void {
    this.assertAlive();
    if (++this.#passed === this.#killAt) this.die(point);
  }

  assertAlive(): void {
    if (this.diedAt !== undefined) throw new KilledError(`Killed ${this.diedAt}`);
  }

  /** A call that may be killed before it is made, and after it was answered. */
  async pass<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.cross(`before ${name}`);
    const answer = await call();
    this.cross(`after ${name}`);
    return answer;
  }

  /** Ends the process here, and throws KilledError. */
  die(point: string): never {
    this.end(point);
    throw new KilledError(`Killed ${point}`);
  }

  /** Ends the process from outside. */
  end(point: string): void {
    if (this.diedAt !== undefined) return;
    this.diedAt = point;
    this.#onDeath();
  }
}
