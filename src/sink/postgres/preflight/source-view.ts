import type { TableSchema } from '../../../change/table-schema.ts';

/** What is known of the source of a sink; every part may be unknown. */
export interface SourceView {
  /** The tables that the sink will be given. */
  readonly tables: readonly TableSchema[] | undefined;
  readonly types: readonly SourceType[];
  /** The database in this run of its server, as the target names its own. */
  readonly database: string | undefined;
  readonly encoding: string | undefined;
}

/** A type of the source that the target must have too. */
export interface SourceType {
  readonly name: string;
  readonly extension: string | null;
  readonly extensionSchema: string | null;
  readonly ddl: string | null;
  readonly isAutomatic: boolean;
}
