import { PINS } from '../../postgres/function-pins.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import type { TriggerNames } from './names.ts';

/**
 * What keeps events that are consumed, where that is wanted: they go from the queue into a table with a partition for each day (UTC), and days that
 * are older than so many are dropped. The queue itself stays as small as without. Roles that consume have no right to make tables: the function has.
 */
export function keepSql({ events, kept, keep }: TriggerNames): string {
  const columns = 'id, xid, at, relation, shape, op, file, old_at, new_at, old, new';
  return /* sql */ `-- What was consumed, by day, where it is kept.
create table if not exists ${kept} (
  id bigint not null, xid xid8 not null, at timestamptz not null, relation oid not null, shape integer not null, op "char" not null,
  file oid, old_at tid, new_at tid, old text, new text
) partition by range (at);
revoke all on ${kept} from public;
create or replace function ${keep}(covered pg_snapshot, last_id bigint, days integer) returns void language plpgsql security definer ${PINS} as $rowcast$
declare
  day date;
  part name;
begin
  for day in select distinct (e.at at time zone 'UTC')::date from ${events} e where pg_visible_in_snapshot(e.xid, covered) and e.id <= last_id loop
    part := ${quoteLiteral(nameOf(kept))} || to_char(day, '_YYYYMMDD');
    if to_regclass(format('rowcast.%I', part)) is null then
      execute format('create table rowcast.%I partition of ${kept} for values from (%L) to (%L)', part, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end if;
  end loop;
  with gone as (delete from ${events} where pg_visible_in_snapshot(xid, covered) and id <= last_id returning ${columns})
    insert into ${kept} (${columns}) select ${columns} from gone;
  -- A day that somebody reads is dropped another time: whoever consumes must not wait for it.
  for part in select c.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = ${quoteLiteral(kept)}::regclass
        and to_date(right(c.relname::text, 8), 'YYYYMMDD') < (clock_timestamp() at time zone 'UTC')::date - days loop
    begin
      perform set_config('lock_timeout', '100ms', true);
      execute format('drop table rowcast.%I', part);
    exception when lock_not_available then
      exit;
    end;
  end loop;
end $rowcast$;
revoke all on function ${keep}(pg_snapshot, bigint, integer) from public;`;
}

/** The name alone, unquoted: names of triggers need no quotes inside. */
function nameOf(qualified: string): string {
  return qualified.replace(/^rowcast\."(.*)"$/, '$1');
}
