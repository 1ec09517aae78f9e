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
 * Of an event `e`, the event `p` that made the row version which it found, in the same transaction: a place in a file names one row version for as
 * long as the transaction runs, unless the table is truncated.
 */
function follows(events: string): string {
  return /* sql */ `p.xid = e.xid and p.relation = e.relation and p.file = e.file and p.new_at = e.old_at and p.id <> e.id
    and not exists (select from ${events} t where t.xid = e.xid and t.relation = e.relation and t.op in ('t', 'x')
      and t.id > least(e.id, p.id) and t.id < greatest(e.id, p.id))`;
}

/**
 * Transactions of which an event was written down before the one that it follows: the triggers of a statement fire at its end, and what a trigger of
 * the application, or a function that the statement called, has changed meanwhile was captured earlier.
 */
function inverted(events: string, position: Position): string {
  return /* sql */ `select e.xid from ${events} e join ${events} p on p.id > e.id and ${follows(events)} where ${uncovered(position)}`;
}

/** Asks whether the order of numbers is not that of the changes. */
export function isInvertedSql(events: string, position: Position): string {
  return /* sql */ `select exists (${inverted(events, position)}) as "isInverted"`;
}

/** Gives the events in the order of the changes: none before one that it follows. */
export function copyEventsSql(events: string, position: Position, isInverted: boolean): string {
  if (!isInverted) {
    return /* sql */ `copy (select ${EVENT_COLUMNS} from ${events} e where ${uncovered(position)} order by e.id) to stdout`;
  }
  return /* sql */ `copy (
    with recursive link as materialized (
        select e.id, p.id as pred from ${events} e join ${events} p on ${follows(events)}
        where e.xid in (${inverted(events, position)})),
      walk (id, place, depth) as (
        select distinct pred, pred, 0 from link where not exists (select from link above where above.id = link.pred)
        union all select link.id, greatest(walk.place, link.id), walk.depth + 1 from walk join link on link.pred = walk.id)
    select ${EVENT_COLUMNS} from ${events} e left join walk on walk.id = e.id
    where ${uncovered(position)} order by coalesce(walk.place, e.id), coalesce(walk.depth, 0), e.id) to stdout`;
}
