/** A line of the report that differs, and why. */
export interface KnownDifference {
  readonly line: string;
  readonly reason: string;
  /** Only servers before this version have it. */
  readonly before?: number;
}

/** One that becomes equal fails the run until it is taken off this list; docs/fidelity.md says what they mean for a replica. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    line: 'statements partition attached with rows, applied by a superuser',
    reason: 'the rows that it brings are in no WAL record of the table; they come with a new copy',
  },
  {
    line: 'statements partition detached, applied by a superuser',
    reason: 'its rows leave by DDL, of which the WAL says nothing',
  },
  {
    line: 'statements partition dropped, applied by a superuser',
    reason: 'its rows leave by DDL, of which the WAL says nothing',
  },
];
