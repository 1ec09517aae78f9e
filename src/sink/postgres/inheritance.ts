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
