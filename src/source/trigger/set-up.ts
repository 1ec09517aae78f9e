import type pg from 'pg';
import { OperatorError, TransientError } from '../../errors.ts';
import { failPoint } from '../../failpoint.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier } from '../../postgres/identifier.ts';
import { installSql, uninstallSql } from './install-sql.ts';
import { triggerNames } from './names.ts';
import { firesAlways, type FoundTable, leavesWithout, missing } from './tables.ts';
import { triggerSql } from './trigger-sql.ts';

/** A table is not waited for any longer: whoever wants to write to it stands in the queue behind. */
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_NOT_AVAILABLE = '55P03';
const INSUFFICIENT_PRIVILEGE = '42501';

export const INSTALL_TRIGGERS = 'rowcast check --install-triggers';

/** Runs the script that makes what triggers write into. Throws OperatorError when the role may not. */
export async function install(client: pg.ClientBase, name: string, roles: readonly string[]): Promise<void> {
  await runScript(client, installSql(name, roles), 'Cannot set up the capture by triggers');
  failPoint('source.capture-installed');
}

/** Runs the script that takes the triggers away, and all that belongs to them. */
export async function uninstall(client: pg.ClientBase, name: string): Promise<void> {
  await runScript(client, uninstallSql(name), 'Cannot take away the capture by triggers');
}

/** Makes the triggers of one table. Throws TransientError while somebody else holds the table, OperatorError when the role may not. */
export async function makeTriggers(client: pg.ClientBase, name: string, table: FoundTable): Promise<void> {
  await alter(client, table, triggerSql(name, table, table.isOwned));
  failPoint('source.triggers-made');
}

/** Makes what partitions that came later lack. */
export async function makePartTriggers(client: pg.ClientBase, name: string, table: FoundTable): Promise<void> {
  await alter(client, table, partTriggersSql(name, table));
}

function partTriggersSql(name: string, table: FoundTable): string[] {
  const whole = triggerSql(name, { ...table, leaves: [] }, table.isOwned);
  return triggerSql(name, { ...table, leaves: leavesWithout(table) }, table.isOwned).slice(whole.length);
}

/** Drops the triggers of one table. */
export async function dropTriggers(client: pg.ClientBase, name: string, table: FoundTable): Promise<void> {
  const { rowTrigger, truncateTrigger, partTrigger } = triggerNames(name);
  const drop = (trigger: string, on: Pick<FoundTable, 'schema' | 'name'>): string =>
    /* sql */ `drop trigger if exists ${quoteIdentifier(trigger)} on ${qualified(on.schema, on.name)}`;
  const statements = [rowTrigger, truncateTrigger, partTrigger].map((trigger) => drop(trigger, table));
  await alter(client, table, [...statements, ...table.leaves.map((leaf) => drop(partTrigger, leaf))]);
}

/** SQL that makes the triggers that are missing, for a person to run; empty when all are there. */
export function missingTriggersSql(name: string, wanted: readonly FoundTable[], always: boolean): string {
  const statements = wanted.flatMap((table) => {
    if (missing(table) !== undefined || !firesAlways(table)) return triggerSql(name, table, always);
    return leavesWithout(table).length > 0 ? partTriggersSql(name, table) : [];
  });
  return statements.map((statement) => `${statement};\n`).join('');
}

async function alter(client: pg.ClientBase, table: FoundTable, statements: readonly string[]): Promise<void> {
  const name = `${table.schema}.${table.name}`;
  try {
    await client.query(['begin', `set local lock_timeout = ${LOCK_TIMEOUT_MS}`, ...statements, 'commit'].join(';\n'));
  } catch (error) {
    await rollback(client);
    if (sqlState(error) === LOCK_NOT_AVAILABLE) {
      throw new TransientError(`Table ${name} is busy: its triggers wait for a transaction that writes to it`, {
        cause: error,
      });
    }
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE)
      throw postgresError(error, `Cannot make the triggers of table ${name}`);
    throw new OperatorError(`Cannot make the triggers of table ${name}: the role may not`, {
      cause: error,
      advice: `Let the owner of the table run the SQL that "${INSTALL_TRIGGERS}" prints, and set trigger.autocreate.mode to disabled.`,
    });
  }
}

async function runScript(client: pg.ClientBase, sql: string, doing: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    await rollback(client);
    if (sqlState(error) !== INSUFFICIENT_PRIVILEGE) throw postgresError(error, doing);
    throw new OperatorError(`${doing}: the role may not`, {
      cause: error,
      advice: `Grant it create on the database, or run the SQL of "${INSTALL_TRIGGERS}" as a superuser.`,
    });
  }
}

/** A connection that was lost has rolled back by itself. */
async function rollback(client: pg.ClientBase): Promise<void> {
  await client.query('rollback').catch(() => undefined); // the first error is the one that tells
}
