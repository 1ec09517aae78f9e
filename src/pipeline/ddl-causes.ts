import type { DdlCommand } from '../change/ddl.ts';
import { type TableSchema, tableName } from '../change/table-schema.ts';
import { OperatorError } from '../errors.ts';

/** Remembers which DDL statement touched a table last, to tell it when the table's new schema is refused. */
export class DdlCauses {
  readonly #byTable = new Map<number, DdlCommand>();

  heard(ddl: DdlCommand): void {
    for (const { after } of ddl.changes) {
      if (after?.kind === 'table') this.#byTable.set(after.table.relationId, ddl);
    }
  }

  /** The error with the table, and the statement as far as it is known. */
  explain(table: TableSchema, refused: OperatorError): OperatorError {
    const ddl = this.#byTable.get(table.relationId);
    const at = ddl?.at === undefined ? '' : ` at ${ddl.at}`;
    const how = ddl === undefined ? 'was changed' : `was changed by ${ddl.tag} of ${ddl.session.session_user}${at}`;
    return new OperatorError(`Table ${tableName(table)} ${how}, and its rows cannot be written any more`, {
      cause: refused,
      advice: refused.advice ?? 'Look at the compatibility level of its subject in the schema registry.',
    });
  }
}
