import { qualified, quoteIdentifier } from '../../postgres/identifier.ts';
import { triggerNames } from './names.ts';

/** A table that is to have triggers, and those of its partitions that have none before their truncation. */
export interface TriggeredTable {
  readonly schema: string;
  readonly name: string;
  readonly isPartitioned: boolean;
  readonly leaves: readonly { readonly schema: string; readonly name: string }[];
}

/**
 * Statements that make a table's triggers. They fire under session_replication_role = replica too if `always`, which only the table's owner may
 * say. Each waits for transactions that write to the table, and from then on no row is missed.
 */
export function triggerSql(name: string, table: TriggeredTable, always: boolean): string[] {
  const { rowTrigger, truncateTrigger, partTrigger, capture, captureParts } = triggerNames(name);
  const on = qualified(table.schema, table.name);
  const [row, truncate, part] = [rowTrigger, truncateTrigger, partTrigger].map(quoteIdentifier);
  const statements = [
    /* sql */ `drop trigger if exists ${row} on ${on}`,
    /* sql */ `drop trigger if exists ${truncate} on ${on}`,
    /* sql */ `create trigger ${row} after insert or update or delete on ${on} for each row execute function ${capture}()`,
    /* sql */ `create trigger ${truncate} after truncate on ${on} for each statement execute function ${capture}()`,
  ];
  if (always) statements.push(enable(on, row as string), enable(on, truncate as string));
  if (table.isPartitioned) {
    // Before the triggers of its partitions, which say nothing more then; what triggers of the application write in between is truncated as well.
    statements.push(
      /* sql */ `drop trigger if exists ${part} on ${on}`,
      /* sql */ `create trigger ${part} before truncate on ${on} for each statement execute function ${capture}()`,
    );
    if (always) statements.push(enable(on, part as string));
  }
  return [...statements, ...table.leaves.flatMap((leaf) => partSql(leaf, always, captureParts, part as string))];
}

function partSql(
  { schema, name }: { readonly schema: string; readonly name: string },
  always: boolean,
  captureParts: string,
  part: string,
): string[] {
  const on = qualified(schema, name);
  return [
    /* sql */ `drop trigger if exists ${part} on ${on}`,
    /* sql */ `create trigger ${part} before truncate on ${on} for each statement execute function ${captureParts}()`,
    ...(always ? [enable(on, part)] : []),
  ];
}

function enable(on: string, trigger: string): string {
  return /* sql */ `alter table ${on} enable always trigger ${trigger}`;
}
