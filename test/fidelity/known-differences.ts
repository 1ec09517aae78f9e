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
    line: 'declaration of kinds.must as column of a table without key',
    reason: 'a domain that admits no NULL makes its column NOT NULL on the replica: the same values are taken',
  },
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
  {
    line: 'statements generated columns, stored, applied by a superuser',
    reason: 'before version 18 pgoutput sends no generated column, and the replica is made without it',
    before: 18,
  },
  {
    line: 'statements generated columns, virtual, applied by a superuser',
    reason: 'pgoutput sends no virtual column, and the replica is made without it',
  },
  {
    line: 'statements collations, storage, defaults, constraints, applied by a superuser',
    reason: 'columns of the replica have the collation of their type',
  },
  {
    line: 'types made by the sink: domain',
    reason: 'a domain that the replica does not have is replaced by what it is based on',
  },
  {
    line: 'types made by the sink: composite type',
    reason: 'the sink makes enums only; it stops and asks for the type',
  },
  {
    line: 'types made by the sink: range',
    reason: 'the sink makes enums only; it stops and asks for the type',
  },
];
