import type { Capture } from '../source.ts';
import type { CaptureFilter, CaptureLists } from './filter.ts';

const LISTS = {
  'schema.include.list': 'schemaInclude',
  'schema.exclude.list': 'schemaExclude',
  'table.include.list': 'tableInclude',
  'table.exclude.list': 'tableExclude',
  'column.include.list': 'columnInclude',
  'column.exclude.list': 'columnExclude',
} as const;

/** More ids than this would make a claim large; without them nothing is said of tables that are published later. */
const MAX_TABLES = 20_000;

/** What a source with these lists captures of the tables that there are for it. */
export function captureOf(settings: CaptureLists, tables: readonly { readonly relationId: number }[]): Capture {
  const lists = Object.fromEntries(
    Object.entries(LISTS).flatMap(([name, key]) => (settings[key].length > 0 ? [[name, settings[key]]] : [])),
  );
  return tables.length > MAX_TABLES ? { lists } : { lists, tables: tables.map(({ relationId }) => relationId) };
}

/** The lists of a capture, to be compiled. */
export function listsOf({ lists }: Capture): CaptureLists {
  const of = (name: keyof typeof LISTS): readonly string[] => lists[name] ?? [];
  return {
    schemaInclude: of('schema.include.list'),
    schemaExclude: of('schema.exclude.list'),
    tableInclude: of('table.include.list'),
    tableExclude: of('table.exclude.list'),
    columnInclude: of('column.include.list'),
    columnExclude: of('column.exclude.list'),
  };
}

/** True when both were told the same, in the same order. */
export function hasSameLists(a: Capture, b: Capture): boolean {
  return JSON.stringify(listsOf(a)) === JSON.stringify(listsOf(b));
}

/** A table as far as the column lists see it. */
export interface ColumnNames {
  readonly schema: string;
  readonly name: string;
  /** Columns that the stream has. */
  readonly columns: readonly string[];
  /** Captured whatever the lists say. */
  readonly key: readonly string[];
}

/** A table that was not captured before, or (with them) columns of one that was. */
export interface Uncovered<Table> {
  readonly table: Table;
  readonly columns: readonly string[] | undefined;
}

/** What is captured now and was not before: whole tables, and columns of the others. Whether there are rows is another question. */
export function findUncovered<Table extends ColumnNames>(
  tables: readonly Table[],
  before: CaptureFilter,
  now: CaptureFilter,
): readonly Uncovered<Table>[] {
  return tables.flatMap((table): Uncovered<Table>[] => {
    const { schema, name, key } = table;
    if (!now.table(schema, name)) return [];
    if (!before.table(schema, name)) return [{ table, columns: undefined }];
    const columns = table.columns.filter(
      (column) => !key.includes(column) && now.column(schema, name, column) && !before.column(schema, name, column),
    );
    return columns.length > 0 ? [{ table, columns }] : [];
  });
}
