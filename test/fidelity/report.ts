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
  readonly #known: ReadonlyMap<string, string>;
  readonly #seen = new Set<string>();
  equal = 0;
  known = 0;
  skipped = 0;
  failed: string[] = [];

  /** `known` names lines that differ, with the reason. */
  constructor(print: (line: string) => void, known: ReadonlyMap<string, string>) {
    this.#print = print;
    this.#known = known;
  }

  add({ name, detail, difference, skipped }: Line): void {
    this.#seen.add(name);
    const reason = this.#known.get(name);
    if (skipped === true) {
      this.skipped++;
      this.#print(`skipped    ${name}  (${detail})`);
    } else if (difference === undefined && reason === undefined) {
      this.equal++;
      this.#print(`equal      ${name}  (${detail})`);
    } else if (difference === undefined) this.#fail(name, `is equal now: take it off the list of known differences`);
    else if (reason !== undefined) {
      this.known++;
      this.#print(`known      ${name}: ${reason}`);
    } else this.#fail(name, difference);
  }

  /** Known differences that no line was about. */
  get unseen(): string[] {
    return [...this.#known.keys()].filter((name) => !this.#seen.has(name));
  }

  #fail(name: string, why: string): void {
    this.failed.push(name);
    this.#print(`DIFFERENT  ${name}: ${why}`);
  }
}
