/** Some tables of one schema, what is done to them, and what the replica must show then. */
export interface StatementCase {
  readonly name: string;
  /** Runs on the source before the first copy, in a schema of the case's own. */
  readonly setup: string;
  /** Runs on the replica after the first copy: constraints that the sink does not make. */
  readonly replica?: string;
  /** Run on the source one by one, with that schema as search_path; `$S` is the schema's name. */
  readonly stream: readonly string[];
  /** The tables to compare: all that the source has, and all rows. A partitioned one is read whole. */
  readonly tables: readonly string[];
  /** Tables that the replica must not have. */
  readonly absent?: readonly string[];
  /** False where the replica's columns are rightly others: why stands in `because`. */
  readonly declares?: false;
  readonly since?: number;
  /** Also run with a sink that is no superuser, whose foreign keys and triggers fire. */
  readonly ordinary?: true;
  /** Part of the fast subset. */
  readonly quick?: true;
}
