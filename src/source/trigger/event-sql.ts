import type { Position } from '../../change/position.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { EVENT_COLUMNS } from './event-assembler.ts';
import { parsePosition } from './position.ts';

/** SQL condition of events, as `e`, that a position does not cover; all of them when another kind of source made it. */
export function uncovered(position: Position): string {
  const snapshot = parsePosition(position)?.snapshot;
  if (snapshot === undefined) return 'true';
  return `not pg_visible_in_snapshot(e.xid, ${quoteLiteral(snapshot)}::pg_snapshot)`;
}

/**
 * Events that were written down before the one that made the row version which they found: the triggers of a statement fire at its end, and what a
 * trigger of the application, or a function that the statement called, has changed meanwhile was captured earlier. A place in a file names one
 * row version for as long as its transaction runs, unless the table is truncated.
 */
function inversions(events: string, position: Position): string {
  return /* sql */ `select e.id, p.id as pred from ${events} e
    join ${events} p on p.xid = e.xid and p.relation = e.relation and p.file = e.file and p.new_at = e.old_at and p.id > e.id
    where ${uncovered(position)} and not exists (select from ${events} t
      where t.xid = e.xid and t.relation = e.relation and t.op in ('t', 'x') and t.id > e.id and t.id < p.id)`;
}

/** Asks whether the order of numbers is not that of the changes. */
export function isInvertedSql(events: string, position: Position): string {
  return /* sql */ `select exists (${inversions(events, position)}) as "isInverted"`;
}

/** Gives the events, those that were written down too early behind the one that they follow. */
export function copyEventsSql(events: string, position: Position, isInverted: boolean): string {
  if (!isInverted) {
    return /* sql */ `copy (select ${EVENT_COLUMNS} from ${events} e where ${uncovered(position)} order by e.id) to stdout`;
  }
  return /* sql */ `copy (
    with recursive pair as materialized (${inversions(events, position)}),
      walk (id, place, depth) as (
        select id, pred, 1 from pair union all select w.id, pair.pred, w.depth + 1 from walk w join pair on pair.id = w.place),
      placed as (select id, max(place) as place, max(depth) as depth from walk group by id)
    select ${EVENT_COLUMNS} from ${events} e left join placed on placed.id = e.id
    where ${uncovered(position)} order by coalesce(placed.place, e.id), coalesce(placed.depth, 0), e.id) to stdout`;
}
