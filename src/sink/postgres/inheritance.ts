import { quoteLiteral } from '../../postgres/identifier.ts';
import type { Session } from './session.ts';

/**
 * Lets a table (qualified and quoted) of the target inherit from no other one: what it has of its parents it could not alter, and at the source
 * they may have been altered later, or not at all.
 */
export async function leaveParents(session: Session, name: string): Promise<void> {
  const { rows } = await session.client.query<{ parent: string }>(
    /* sql */ `select i.inhparent::regclass::text as parent from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid and not c.relispartition where i.inhrelid = ${quoteLiteral(name)}::regclass`,
  );
  for (const { parent } of rows) await session.single(/* sql */ `alter table ${name} no inherit ${parent}`);
}

/** The table (qualified and quoted) through which the columns of a target are altered: of a partition, the topmost one that it is a part of. */
export async function columnsOwner(session: Session, name: string): Promise<string> {
  const { rows } = await session.client.query<{ root: string }>(
    /* sql */ `select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as root from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = pg_catalog.pg_partition_root(${quoteLiteral(name)}::regclass)`,
  );
  return rows[0]?.root ?? name;
}
