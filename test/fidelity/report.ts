import type { KnownDifference } from './known-differences.ts';

/** One line of the report. */
export interface Line {
  readonly name: string;
  /** What was compared, or why it was left out. */
  readonly detail: string;
  /** Undefined: equal. */
  readonly difference?: string;
  /** Not compared: this server cannot. */
  readonly skipped?: boolean;
}

/** Collects and prints lines as they come, and counts them. */
export class Report {
  readonly #print: (line: string) => void;
  #known: readonly KnownDifference[];
  readonly #seen = new Set<string>();
  equal = 0;
  known = 0;
  skipped = 0;
  failed: string[] = [];

  constructor(print: (line: string) => void, known: readonly KnownDifference[]) {
    this.#print = print;
    this.#known = known;
  }

  /** Leaves out what only older servers have. */
  setVersion(version: number): void {
    this.#known = this.#known.filter(({ before = Number.POSITIVE_INFINITY }) => version < before);
  }

  add({ name, detail, difference, skipped }: Line): void {
    this.#seen.add(name);
    const reason = this.#known.find(({ line }) => line === name)?.reason;
    if (skipped === true) {
      this.skipped++;
      this.#print(`skipped    ${name}  (${detail})`);
    } else if (difference === undefined && reason === undefined) {
      this.equal++;
      this.#print(`equal      ${name}  (${detail})`);
    } else if (difference === undefined) this.fail(name, `is equal now: take it off the list of known differences`);
    else if (reason !== undefined) {
      this.known++;
      this.#print(`known      ${name}: ${reason}`);
    } else this.fail(name, difference);
  }

  /** Known differences that no line was about. */
  get unseen(): string[] {
    return this.#known.map(({ line }) => line).filter((line) => !this.#seen.has(line));
  }

  /** Counts a line as different. */
  fail(name: string, why: string): void {
    this.failed.push(name);
    this.#print(`DIFFERENT  ${name}: ${why}`);
  }
}
