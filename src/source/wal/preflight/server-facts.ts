import type pg from 'pg';
import { postgresError } from '../../../postgres/errors.ts';

/** What is looked at of the source's server, as it is now. */
export interface ServerFacts {
  /** As `server_version_num`: 180000 is version 18. */
  readonly version: number;
  readonly isStandby: boolean;
  /** Where a standby gets its WAL from, if it tells. */
  readonly primary: string | null;
  readonly encoding: string;
  /** By name; a setting that this version or platform does not have is absent. */
  readonly settings: Readonly<Record<string, string>>;
  readonly role: {
    readonly isSuperuser: boolean;
    readonly mayReplicate: boolean;
    /** Roles of managed platforms that it is a member of and that allow to replicate. */
    readonly managed: readonly string[];
    readonly mayCreate: boolean;
  };
  /** Managed platforms' roles that exist here: they are granted instead of the attribute. */
  readonly replicationRoles: readonly string[];
  readonly slots: readonly SlotFacts[];
  readonly walsenders: number;
  /** Transactions that a new slot has to wait for. */
  readonly running: readonly { readonly pid: number; readonly seconds: number }[];
  readonly prepared: readonly { readonly gid: string; readonly database: string; readonly seconds: number }[];
  /** This database in this run of this server: a system identifier would also name its copies. */
  readonly instance: string;
}

/** A replication slot. */
export interface SlotFacts {
  readonly name: string;
  readonly type: string;
  readonly plugin: string | null;
  readonly database: string | null;
  readonly activePid: number | null;
  /** The application that holds it, if that may be seen. */
  readonly holder: string | null;
  readonly walStatus: string | null;
  readonly retainedBytes: number | null;
}

/** Reads everything in one statement, so that it is one state. Throws TransientError or OperatorError. */
export async function readServer(client: pg.ClientBase): Promise<ServerFacts> {
  try {
    const { rows } = await client.query<{ facts: ServerFacts }>(SERVER);
    return (rows[0] as { facts: ServerFacts }).facts;
  } catch (error) {
    throw postgresError(error, 'Cannot look at the server');
  }
}

const SETTINGS = [
  'wal_level',
  'max_replication_slots',
  'max_wal_senders',
  'max_slot_wal_keep_size',
  'idle_replication_slot_timeout',
  'wal_sender_timeout',
  'rds.logical_replication',
  'cloudsql.logical_decoding',
  'azure.extensions',
];
const MANAGED_ROLES = ['rds_replication', 'rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin'];

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/** Who runs a transaction is seen by its lock on its own id, which is shown to everybody; since when, only to some. */
const SERVER = /* sql */ `
  select json_build_object(
    'version', current_setting('server_version_num')::int,
    'isStandby', pg_is_in_recovery(),
    'primary', (select sender_host from pg_catalog.pg_stat_wal_receiver limit 1),
    'encoding', (select pg_encoding_to_char(encoding) from pg_catalog.pg_database where datname = current_database()),
    'settings', (select json_object_agg(name, setting) from pg_catalog.pg_settings where name in (${list(SETTINGS)})),
    'role', (select json_build_object('isSuperuser', r.rolsuper, 'mayReplicate', r.rolreplication,
        'managed', (select coalesce(json_agg(m.rolname), '[]') from pg_catalog.pg_roles m
          where m.rolname in (${list(MANAGED_ROLES)}) and pg_has_role(r.oid, m.oid, 'member')),
        'mayCreate', has_database_privilege(current_database(), 'create'))
      from pg_catalog.pg_roles r where r.rolname = current_user),
    'replicationRoles', (select coalesce(json_agg(rolname), '[]') from pg_catalog.pg_roles where rolname = 'rds_replication'),
    'slots', (select coalesce(json_agg(json_build_object('name', s.slot_name, 'type', s.slot_type, 'plugin', s.plugin,
        'database', s.database, 'activePid', s.active_pid, 'holder', a.application_name, 'walStatus', s.wal_status,
        'retainedBytes', pg_wal_lsn_diff(
          case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, s.restart_lsn)::float8)
        order by s.slot_name), '[]')
      from pg_catalog.pg_replication_slots s left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid),
    'walsenders', (select count(*) from pg_catalog.pg_stat_replication),
    'running', (select coalesce(json_agg(json_build_object('pid', l.pid, 'seconds', extract(epoch from now() - a.xact_start)::int)), '[]')
      from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted and a.xact_start < now() - interval '30 seconds'),
    'prepared', (select coalesce(json_agg(json_build_object('gid', gid, 'database', database,
        'seconds', extract(epoch from now() - prepared)::int)), '[]') from pg_catalog.pg_prepared_xacts),
    'instance', (select pg_postmaster_start_time() || '/' || oid from pg_catalog.pg_database where datname = current_database())
  ) as facts`;
