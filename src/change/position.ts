/**
 * Where a source is to resume; opaque to everyone but the source that made it.
 * Of two positions of one source the later one is the greater string (so `<` and `===` are all that others need).
 * The WAL source writes a commit end LSN as 16 upper-case hexadecimal digits (Invariant 2).
 */
export type Position = string;
