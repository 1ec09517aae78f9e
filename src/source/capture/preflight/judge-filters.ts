import { Findings, type Finding } from '../../../finding.ts';
import { qualified } from '../../../postgres/identifier.ts';
import type { ConnectionSettings } from '../../../postgres/connection-settings.ts';
import { type CaptureLists, compileFilter } from '../filter.ts';
import type { RelationName } from './table-facts.ts';

/** What is captured of which database. */
export interface FilteredCapture extends CaptureLists {
  readonly connection: Pick<ConnectionSettings, 'database'>;
}

/** The candidate that is spelled most like a word; undefined when none is near. */
export type Nearest = (word: string, candidates: Iterable<string>) => string | undefined;

const EXAMPLES = 5;

/**
 * Judges the filters by what they match: nothing at all, an expression without effect, relations that cannot be captured; `isFromWal`: unlogged
 * tables cannot be.
 */
export function judgeFilters(
  relations: readonly RelationName[],
  matched: readonly RelationName[],
  settings: FilteredCapture,
  nearest: Nearest,
  isFromWal: boolean,
): readonly Finding[] {
  const found = new Findings();
  const database = `database ${settings.connection.database}`;
  const names = relations.filter(({ kind, root }) => (kind === 'r' || kind === 'p') && root === null).map(nameOf);
  if (matched.length === 0) {
    const guess = settings.tableInclude
      .map((pattern) => nearest(plain(pattern), names))
      .find((name) => name !== undefined);
    const some = guess === undefined ? names.slice(0, EXAMPLES) : [guess];
    const there = some.length === 0 ? 'It has no tables.' : `There are, for example: ${some.join(', ')}.`;
    found.problem(
      'tables',
      database,
      `No table is captured: the filters match none. ${there}`,
      some.length === 0 ? undefined : `"table.include.list": "${escaped(some[0] as string)}"`,
    );
  } else
    found.ok('tables', database, `${matched.length} ${matched.length === 1 ? 'table is' : 'tables are'} captured.`);
  if (matched.length > 0) judgePatterns(relations, names, settings, nearest, found, database);
  judgeOthers(relations, settings, isFromWal, found);
  return found.all;
}

function judgePatterns(
  relations: readonly RelationName[],
  names: readonly string[],
  settings: FilteredCapture,
  nearest: Nearest,
  found: Findings,
  database: string,
): void {
  const lists = { schemaInclude: [], schemaExclude: [], tableExclude: [], columnInclude: [], columnExclude: [] };
  for (const pattern of settings.tableInclude) {
    const filter = compileFilter({ ...lists, tableInclude: [pattern] });
    if (relations.some(({ schema, name }) => filter.table(schema, name))) continue;
    const guess = nearest(plain(pattern), names);
    const meant = guess === undefined ? '' : ` Did you mean ${guess}?`;
    found.warning(
      'tables',
      database,
      `table.include.list has "${pattern}", which matches no table.${meant}`,
      guess && `"table.include.list": "${escaped(guess)}"`,
    );
  }
}

/** What was named, or would be captured if it could be. */
function judgeOthers(
  relations: readonly RelationName[],
  settings: FilteredCapture,
  isFromWal: boolean,
  found: Findings,
): void {
  const filter = compileFilter(settings);
  const isNamed = settings.tableInclude.length > 0;
  for (const relation of relations) {
    const { schema, name, kind, isUnlogged, root } = relation;
    if (!filter.table(schema, name)) continue;
    const object = `table ${nameOf(relation)}`;
    if (isFromWal && (kind === 'r' || kind === 'p') && isUnlogged) {
      found.warning(
        'unlogged',
        object,
        'It is unlogged: its changes are not in the WAL, so it is not captured.',
        /* sql */ `alter table ${qualified(schema, name)} set logged;`,
      );
    } else if (kind === 'f' && isNamed) {
      found.warning(
        'foreign table',
        object,
        'It is a foreign table: its rows are on another server, capture them there.',
      );
    } else if (
      root !== null &&
      isNamed &&
      !relations.some((each) => nameOf(each) === root && filter.table(each.schema, each.name))
    ) {
      found.warning(
        'partitions',
        object,
        `It is a partition of ${root}, which is not captured: partitions are captured with their table only.`,
        `"table.include.list": "${escaped(root)}"`,
      );
    }
  }
}

function nameOf({ schema, name }: RelationName): string {
  return `${schema}.${name}`;
}

/** An expression as the name that somebody may have meant. */
function plain(pattern: string): string {
  return pattern.replaceAll(/\\(.)/g, '$1').replaceAll(/[.][*+]/g, '');
}

/** A name as an expression, as it stands in JSON. */
function escaped(name: string): string {
  return JSON.stringify(name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).slice(1, -1);
}
