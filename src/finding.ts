/**
 * What one look at a server found, before anything starts. `ok`: as it must be; `warning`: works, but deserves a word; `problem`: the
 * connector would stop here; `unknown`: could not be looked at (the reason is in the message).
 */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem' | 'unknown';
  /** What was looked at, stable and short: `wal_level`, `publication`, `replica identity`, `topic settings`. */
  readonly check: string;
  /** The object: `server 10.0.0.1:5432`, `table public.orders`, `topic shop.checkpoints`. */
  readonly object: string;
  /** One sentence that starts with a capital letter; never a row's value or a secret (Invariant 11). */
  readonly message: string;
  /** What mends it, ready to be pasted: SQL, or a command. Absent for `ok`. */
  readonly fix?: string;
}

/** Collects what a series of looks found about objects; each method adds one finding. */
export class Findings {
  readonly #found: Finding[] = [];

  get all(): readonly Finding[] {
    return this.#found;
  }

  /** Whether nothing worse than `ok` was found by this check so far. */
  isOk(check: string): boolean {
    return this.#found.every((each) => each.check !== check || each.level === 'ok');
  }

  ok(check: string, object: string, message: string): void {
    this.#found.push({ level: 'ok', check, object, message });
  }

  warning(check: string, object: string, message: string, fix?: string): void {
    this.#found.push({ level: 'warning', check, object, message, ...(fix !== undefined && { fix }) });
  }

  problem(check: string, object: string, message: string, fix?: string): void {
    this.#found.push({ level: 'problem', check, object, message, ...(fix !== undefined && { fix }) });
  }

  unknown(check: string, object: string, message: string, fix?: string): void {
    this.#found.push({ level: 'unknown', check, object, message, ...(fix !== undefined && { fix }) });
  }

  add(findings: Iterable<Finding>): void {
    this.#found.push(...findings);
  }
}
