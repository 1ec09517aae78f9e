/** Counts the table versions of one claim; whatever announces tables under it shares the counter. */
export interface VersionCounter {
  last: number;
}
