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
