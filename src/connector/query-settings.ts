import { OperatorError } from '../errors.ts';
import { choice, declare, integer, list, optional, type SettingsOf, text } from './setting.ts';

/** What a query source is told of its polls, setting by setting. */
export interface PollSettings {
  readonly mode: (typeof MODES)[number];
  readonly incrementingColumn: string | undefined;
  readonly timestampColumns: readonly string[];
  readonly timestampDelayMs: number;
  readonly pollIntervalMs: number;
  readonly whitelist: readonly string[];
  readonly blacklist: readonly string[];
  readonly keyColumns: readonly KeyColumnsSetting[];
  readonly queryText: string | undefined;
  /** `schema.table`. */
  readonly queryName: string;
  readonly queryKey: readonly string[];
  readonly deletes: 'none' | 'keys';
  readonly keyMemoryBytes: number;
}

/** Whose rows are told apart by which columns. */
export interface KeyColumnsSetting {
  /** A regular expression for `schema.view`. */
  readonly tables: string;
  readonly columns: readonly string[];
}

const MODES = ['xid', 'bulk', 'incrementing', 'timestamp', 'timestamp+incrementing'] as const;
const GROUP = 'Polls';
const KEY_COLUMNS =
  'Key columns of views, as schema.view:column,column;schema.other:column, where each view is a regular expression for whole names. Tables have the key that they have.';

/** The settings of polls; names are those of Confluent's JDBC source, where it has them. */
export const POLL_SETTINGS: SettingsOf<PollSettings> = {
  mode: choice('mode', MODES, {
    group: GROUP,
    importance: 'high',
    default: 'xid',
    doc:
      'How changed rows are found. xid: by the ids of the transactions that wrote them; bulk: each poll sends whole tables, also those without key; incrementing, timestamp, ' +
      'timestamp+incrementing: as xid on tables, so that no late commit is missed; views and queries are read by the columns named below.',
  }),
  incrementingColumn: optional(
    text('incrementing.column.name', {
      group: GROUP,
      doc: 'Column that grows with every new row; views and queries are read by it. Best effort: a row that commits late with a lower value is missed there.',
    }),
  ),
  timestampColumns: list('timestamp.column.name', {
    group: GROUP,
    doc: 'Columns with the time of the last change, separated by commas: the first that is not NULL counts. Views and queries are read by it. Best effort: see timestamp.delay.interval.ms.',
  }),
  timestampDelayMs: integer('timestamp.delay.interval.ms', 0, 86_400_000, {
    group: GROUP,
    default: '0',
    doc: 'Rows of views and queries whose timestamp is younger are left for a later poll. Longer than any transaction takes that writes them, or late rows are missed.',
  }),
  pollIntervalMs: integer('poll.interval.ms', 10, 86_400_000, {
    group: GROUP,
    importance: 'high',
    default: '5000',
    doc: 'Time between two polls. Where nothing was written since the last one, a poll costs one small question.',
  }),
  whitelist: list('table.whitelist', {
    group: 'Filters',
    doc: 'Names of tables to capture, with or without their schema, separated by commas; the same as table.include.list with these names.',
  }),
  blacklist: list('table.blacklist', {
    group: 'Filters',
    doc: 'Names of tables not to capture, with or without their schema, separated by commas.',
  }),
  keyColumns: declare('key.columns', 'STRING', { group: GROUP, default: '', doc: KEY_COLUMNS }, parseKeyColumns),
  queryText: optional(
    text('query', {
      group: GROUP,
      doc: 'A SELECT whose rows are captured instead of tables, without a semicolon. Names need their schema. Best effort, but for mode=bulk.',
    }),
  ),
  queryName: text('query.name', {
    group: GROUP,
    effect: 'never',
    default: 'public.query',
    pattern: /^[^.\0]{1,63}\.[^.\0]{1,63}$/,
    rule: 'a table as schema.table',
    doc: 'The table, as schema.table, that rows of the query are said to be of: names the topic and the table of a replica.',
  }),
  queryKey: list('query.key.columns', {
    group: GROUP,
    doc: 'Columns of the query that identify a row, separated by commas; needed in every mode but bulk.',
  }),
  deletes: choice('delete.detection', ['none', 'keys'], {
    group: GROUP,
    default: 'none',
    doc: 'none: rows that are deleted stay in a replica; keys: each poll reads the keys of all rows, and sends deletes for those that are gone. A restart may have to copy tables again that were deleted from meanwhile. mode=bulk needs none.',
  }),
  keyMemoryBytes: integer('delete.detection.memory.bytes', 1_048_576, 4 * 1024 ** 3, {
    group: GROUP,
    importance: 'low',
    default: String(128 * 1024 * 1024),
    doc: 'How much memory the keys may take that are remembered to find deleted rows; about 100 bytes for each. The connector stops where they are more.',
  }),
};

function parseKeyColumns(value: string): readonly KeyColumnsSetting[] {
  return value
    .split(';')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const colon = part.lastIndexOf(':');
      const columns = part
        .slice(colon + 1)
        .split(',')
        .map((column) => column.trim());
      const tables = part.slice(0, Math.max(0, colon)).trim();
      if (tables === '' || columns.includes('')) throw new OperatorError('must be view:column,column;view:column');
      try {
        new RegExp(tables, 'u');
      } catch (cause) {
        throw new OperatorError(`has an invalid regular expression: ${tables}`, { cause });
      }
      return { tables, columns };
    });
}
