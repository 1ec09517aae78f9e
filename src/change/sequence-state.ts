/** The column that draws its values from a sequence. */
export interface SequenceColumn {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  /** An identity column ('a' always, 'd' by default), or one whose default is the sequence's next value ('n'). */
  readonly draws: 'a' | 'd' | 'n';
  /** The sequence goes with the column (serial). */
  readonly isOwner: boolean;
}

/**
 * What a sequence is and where it stands. A replica that stands there gives no value that the source gave. Numbers are texts: they go up to
 * 2^63.
 */
export interface SequenceState {
  readonly schema: string;
  readonly name: string;
  /** Captured columns; a replica finds its own sequence by them. */
  readonly columns: readonly SequenceColumn[];
  readonly lastValue: string;
  /** False: `lastValue` itself is the next one. */
  readonly isCalled: boolean;
  /** `smallint`, `integer` or `bigint`. */
  readonly type: string;
  readonly start: string;
  readonly increment: string;
  readonly min: string;
  readonly max: string;
  readonly cache: string;
  readonly cycles: boolean;
}
