import type pg from 'pg';
import type { CopyTarget } from '../../../change/copy-request.ts';
import { OperatorError } from '../../../errors.ts';
import { postgresError, sqlState } from '../../../postgres/errors.ts';
import { conditionProblem } from '../../../postgres/condition.ts';
import { qualified } from '../../../postgres/identifier.ts';
import type { CaptureFilter } from '../../capture/filter.ts';
import { type PublishedTable, publishedTables } from '../published-tables.ts';

/** The table of a request as it is published. Throws OperatorError when it is not captured, or its condition is none. */
export async function findTarget(
  client: pg.ClientBase,
  publication: string,
  filter: CaptureFilter,
  target: CopyTarget,
): Promise<PublishedTable> {
  const [table] = await publishedTables(client, publication, filter, target);
  if (table === undefined) {
    throw new OperatorError(`Table ${target.schema}.${target.name} is not captured, so it cannot be copied`, {
      advice: `Names are exact. The lists have to take it in, and publication "${publication}" has to have it.`,
    });
  }
  if (target.condition !== undefined) await assertCondition(client, table, target.condition);
  return table;
}

/**
 * Throws OperatorError unless the text is one SQL expression of the table's columns. The server reads it in two places of one statement, so that no
 * text passes that ends the one and begins something else; the extended protocol takes no second statement.
 */
async function assertCondition(client: pg.ClientBase, table: PublishedTable, condition: string): Promise<void> {
  const { schema, name, isPartitioned } = table;
  const problem = conditionProblem(condition);
  if (problem !== undefined) {
    throw new OperatorError(`The condition for table ${schema}.${name} ${problem}`, {
      advice: 'It is one SQL expression over the columns of the table.',
    });
  }
  const query: pg.QueryConfig & { queryMode: 'extended' } = {
    text: /* sql */ `select from ${isPartitioned ? '' : 'only '}${qualified(schema, name)}
      where (${condition}\n) and case when (${condition}\n) then true end limit 0`,
    queryMode: 'extended',
  };
  try {
    await client.query(query);
  } catch (error) {
    if (!sqlState(error)?.startsWith('42') && !sqlState(error)?.startsWith('22'))
      throw postgresError(error, `Cannot read the condition of table ${schema}.${name}`);
    throw new OperatorError(`The condition for table ${schema}.${name} is none that the server understands`, {
      cause: error,
      advice: 'It is one SQL expression over the columns; names outside of pg_catalog need their schema.',
    });
  }
}
