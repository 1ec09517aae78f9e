import type { Logger } from '../../observe/logger.ts';
import type { InvalidFile } from './wanted.ts';

/** A file that is being written is invalid for a moment: only what stays so for this long is told. */
const TOLD_AFTER_MS = 1000;

interface Trouble {
  readonly text: string;
  readonly since: number;
  isTold: boolean;
}

/** Tells every problem of every file once, when it has stayed for a moment, and when it is gone. */
export class ProblemLog {
  readonly #logger: Logger;
  readonly #troubles = new Map<string, Trouble>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `now` in milliseconds. Returns after how many milliseconds something may have to be told that is not yet. */
  tell(invalid: readonly InvalidFile[], runs: (name: string) => boolean, now: number): number | undefined {
    this.#forget(new Set(invalid.map(({ file }) => file)));
    let isWaiting = false;
    for (const { file, name, problems } of invalid) {
      const trouble = this.#troubleOf(file, problems.join('\n'), now);
      if (trouble.isTold) continue;
      if (now - trouble.since < TOLD_AFTER_MS) {
        isWaiting = true;
        continue;
      }
      trouble.isTold = true;
      this.#tellFile(file, name, problems, runs(name));
    }
    return isWaiting ? TOLD_AFTER_MS : undefined;
  }

  /** Tells at once, at the start. */
  tellNow(invalid: readonly InvalidFile[]): void {
    for (const { file, name, problems } of invalid) {
      this.#troubles.set(file, { text: problems.join('\n'), since: 0, isTold: true });
      this.#tellFile(file, name, problems, false);
    }
  }

  #tellFile(file: string, connector: string, problems: readonly string[], runs: boolean): void {
    const advice = runs ? 'Correct the file; until then its last valid configuration runs on.' : 'Correct the file.';
    for (const problem of problems)
      this.#logger.error('connector file cannot be used', { file, connector, problem, advice });
  }

  #troubleOf(file: string, text: string, now: number): Trouble {
    const known = this.#troubles.get(file);
    if (known?.text === text) return known;
    // Somebody is at work on the file: the moment begins anew, also when the last problem was told.
    const trouble = { text, since: now, isTold: false };
    this.#troubles.set(file, trouble);
    return trouble;
  }

  #forget(invalid: ReadonlySet<string>): void {
    for (const [file, { isTold }] of this.#troubles) {
      if (invalid.has(file)) continue;
      this.#troubles.delete(file);
      if (isTold) this.#logger.info('connector file is in order again', { file });
    }
  }
}
