/** A table, or a part of one, that is to be copied (again) while the stream goes on. */
export interface CopyTarget {
  readonly schema: string;
  readonly name: string;
  /** SQL condition; only rows that meet it are copied, and a replica keeps its others. Absent: the whole table, and a replica keeps nothing. */
  readonly condition?: string;
}

/** What an operator, or a program, asks of a source that streams; `id` is the asker's own name for it. */
export type CopySignal =
  /** Tables are copied in chunks while the stream goes on; with `isBlocking` each at one moment, for which the stream waits. */
  | {
      readonly kind: 'execute';
      readonly id: string;
      readonly tables: readonly CopyTarget[];
      readonly isBlocking: boolean;
    }
  /** Gives up what is asked for of these tables (`schema.table`); of all of them when there are none. */
  | { readonly kind: 'stop'; readonly id: string; readonly tables: readonly string[] }
  | { readonly kind: 'pause'; readonly id: string }
  | { readonly kind: 'resume'; readonly id: string };
