import type pg from 'pg';
import { OperatorError } from '../../../errors.ts';
import { postgresError } from '../../../postgres/errors.ts';
import type { Warn } from '../../capture/warn.ts';
import { findDdlLog, isDdlPublished } from './ddl-log.ts';

/** What lets DDL replication say less than what happens, or something else. */
export interface DdlSetup {
  /** What tables looked like was taken down in another database, whose ids mean nothing here: this one was restored or upgraded. */
  readonly isStale: boolean;
  /** Event triggers that do not fire. */
  readonly disabled: readonly string[];
}

export const INSTALL_AGAIN = 'rowcast check --install-ddl';

/** Undefined when DDL replication is not set up. */
export async function readDdlSetup(client: pg.ClientBase): Promise<DdlSetup | undefined> {
  if ((await findDdlLog(client)) === undefined) return undefined;
  try {
    return (await client.query<{ setup: DdlSetup }>(SETUP)).rows[0]?.setup;
  } catch (error) {
    throw postgresError(error, 'Cannot look at the set-up of DDL replication');
  }
}

/** Whether the publication has DDL in it. Throws OperatorError when what tables looked like is known of another database only. */
export async function followsDdl(client: pg.ClientBase, publication: string, warn: Warn): Promise<boolean> {
  if (!(await isDdlPublished(client, publication))) return false;
  const setup = await readDdlSetup(client);
  if (setup?.isStale === true) {
    throw new OperatorError(staleSetup(), {
      advice: `Run "${INSTALL_AGAIN}" again: it takes down what is here now, and keeps what was recorded. Then start the connector.`,
    });
  }
  if (setup !== undefined && setup.disabled.length > 0) {
    warn(
      disabledTriggers(setup.disabled),
      `Run "${INSTALL_AGAIN}" again: it enables them, and takes down what they missed.`,
    );
  }
  return true;
}

/** Says that the states are those of another database. */
export function staleSetup(): string {
  return 'DDL replication was set up in another database than this one, which was restored or upgraded since: the ids of its tables are others now';
}

/** Says which event triggers do not fire. */
export function disabledTriggers(names: readonly string[]): string {
  return `DDL is not recorded: ${names.length === 1 ? 'event trigger' : 'event triggers'} ${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} disabled`;
}

/** Whatever restores a database gives its tables other ids, or runs in another system; the comment comes along as it was (install-sql.ts). */
const SETUP = /* sql */ `
  select pg_catalog.json_build_object(
    'isStale', pg_catalog.obj_description(c.oid, 'pg_class') is distinct from 'rowcast '
      || (select s.system_identifier from pg_catalog.pg_control_system() s) || '/' || c.oid,
    'disabled', (select coalesce(pg_catalog.json_agg(t.name order by t.name), '[]')
      from (values ('rowcast_ddl'), ('rowcast_ddl_drop'), ('rowcast_ddl_rewrite')) t (name)
      left join pg_catalog.pg_event_trigger e on e.evtname = t.name
      where e.evtenabled is distinct from 'A' or pg_catalog.current_setting('event_triggers', true) = 'off')) as setup
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'rowcast' and c.relname = 'ddl_state'`;
