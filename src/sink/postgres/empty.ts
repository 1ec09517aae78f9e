import { sqlState } from '../../postgres/errors.ts';
import type { Session } from './session.ts';

/** Whether the table (qualified and quoted) has no row. */
export async function isEmpty(session: Session, name: string, signal: AbortSignal): Promise<boolean> {
  const [result] = await session.run(
    /* sql */ `select not exists (select from ${name})`,
    `Cannot read table ${name} on the target`,
    signal,
  );
  return result?.rows[0]?.[0] === 't';
}

/**
 * Empties the tables in one TRUNCATE. Tables outside the list that refer to them are never touched: then the rows are
 * deleted instead (in the order given, so children first where foreign keys are checked).
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
    await session.run(
      /* sql */ `savepoint rowcast; truncate ${names.join(', ')}${restart}; release rowcast`,
      doing,
      signal,
    );
  } catch (error) {
    if (sqlState(error) !== '0A000') throw error; // only "referenced in a foreign key constraint" has another way
    const deletes = names.map((name) => /* sql */ `delete from ${name};`).join(' ');
    await session.run(/* sql */ `rollback to rowcast; ${deletes} release rowcast`, doing, signal);
  }
}
