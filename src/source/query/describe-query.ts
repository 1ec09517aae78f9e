import type pg from 'pg';
import type { Column } from '../../change/table-schema.ts';
import { lookUpTypes, type RelationFacts } from '../../postgres/catalog.ts';
import { postgresError } from '../../postgres/errors.ts';
import type { CustomQuery } from './settings.ts';

/** No table has such an id: those of the system's own begin above a thousand. */
const RELATION_ID = 1;

/** Describes the rows of a statement as those of a table, with the declared key. Throws what the server says of the statement. */
export async function describeQuery(
  client: pg.ClientBase,
  { sql, schema, name, key }: CustomQuery,
): Promise<RelationFacts> {
  try {
    const { fields } = await client.query(/* sql */ `select * from (${sql}\n) as query limit 0`);
    const types = await lookUpTypes(
      client,
      fields.map(({ dataTypeID, dataTypeModifier }) => ({ typeId: dataTypeID, modifier: dataTypeModifier })),
    );
    const columns = fields.flatMap(({ name: column }, i): Column[] => {
      const type = types[i];
      return type === undefined ? [] : [{ name: column, attnum: i + 1, type, nullable: !key.includes(column) }];
    });
    const ordinals = key.map((each) => columns.findIndex((column) => column.name === each));
    const told = ordinals.includes(-1) ? [] : ordinals;
    return { relationId: RELATION_ID, schema, name, columns, key: told, identity: 'default' };
  } catch (error) {
    throw postgresError(error, `Cannot describe the rows of the query for ${schema}.${name}`);
  }
}
