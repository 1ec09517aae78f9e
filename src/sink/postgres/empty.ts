import { sqlState } from '../../postgres/errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { parentsFirst } from './parents-first.ts';
import type { Session } from './session.ts';

/** Whether the table (qualified and quoted) has no row of its own. */
export async function isEmpty(session: Session, name: string, signal: AbortSignal): Promise<boolean> {
  const doing = `Cannot read table ${name} on the target`;
  const [table] = await alone(session, [name], doing, signal);
  const [result] = await session.run(/* sql */ `select not exists (select from ${table})`, doing, signal);
  return result?.rows[0]?.[0] === 't';
}

/** The names for statements that are not to reach tables that inherit from these: they are tables of their own. */
async function alone(
  session: Session,
  names: readonly string[],
  doing: string,
  signal: AbortSignal,
): Promise<string[]> {
  const list = names.map((name, n) => `(${n}, ${quoteLiteral(name)}::regclass)`).join(', ');
  const [found] = await session.run(
    /* sql */ `select c.relkind = 'p' from (values ${list}) as t (n, id) join pg_catalog.pg_class c on c.oid = t.id order by t.n`,
    doing,
    signal,
  );
  return names.map((name, n) => (found?.rows[n]?.[0] === 't' ? name : `only ${name}`));
}

/**
 * Empties the tables (qualified and quoted) in one TRUNCATE. Tables outside the list that refer to them are never touched: then
 * the rows are deleted instead, children first, because foreign keys may be checked.
 */
export async function emptyTables(
  session: Session,
  names: readonly string[],
  restartIdentity: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (names.length === 0) return;
  const doing = `Cannot truncate ${names.join(', ')} on the target`;
  try {
    const restart = restartIdentity ? ' restart identity' : '';
    const tables = await alone(session, names, doing, signal);
    await session.run(
      /* sql */ `savepoint rowcast; truncate ${tables.join(', ')}${restart}; release rowcast`,
      doing,
      signal,
    );
  } catch (error) {
    if (sqlState(error) !== '0A000') throw error; // only "referenced in a foreign key constraint" has another way
    await session.run(/* sql */ `rollback to rowcast`, doing, signal);
    const ordered = await childrenFirst(session, names, doing, signal);
    const tables = await alone(session, ordered, doing, signal);
    const deletes = tables.map((name) => /* sql */ `delete from ${name};`).join(' ');
    await session.run(/* sql */ `${deletes} release rowcast`, doing, signal);
  }
}

async function childrenFirst(
  session: Session,
  names: readonly string[],
  doing: string,
  signal: AbortSignal,
): Promise<string[]> {
  const list = names.map((name, n) => `(${n}, ${quoteLiteral(name)}::regclass)`).join(', ');
  const [found] = await session.run(
    /* sql */ `select t.n, t.id::oid, (select string_agg(distinct f.confrelid::text, ' ') from pg_catalog.pg_constraint f
        where f.conrelid = t.id and f.contype = 'f')
      from (values ${list}) as t (n, id)`,
    doing,
    signal,
  );
  const tables = (found?.rows ?? []).map(([n, oid, parents]) => {
    const name = names[Number(n)] as string;
    return { name, oid: Number(oid), parents: (parents ?? '').split(' ').map(Number) };
  });
  return parentsFirst(tables, (table) => table)
    .reverse()
    .map(({ name }) => name);
}
