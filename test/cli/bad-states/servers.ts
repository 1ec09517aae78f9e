import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { sinkConfig, sourceConfig } from '../workplace.ts';

/** A connector whose servers are not as they must be, and what must be said: the object, and the remedy. */
export interface BadServer {
  readonly state: string;
  readonly config: Readonly<Record<string, string>>;
  readonly says: RegExp;
  readonly advises: RegExp;
}

/** Where the cases happen. */
export interface Scene {
  /** A database that has `public.item (id, note)` with rows; the good source reads it. */
  readonly source: ConnectionSettings;
  /** The replica of the good pair. */
  readonly replica: ConnectionSettings;
  /** An empty database of the same server. */
  readonly target: ConnectionSettings;
  /** A server with wal_level = replica. */
  readonly replicaLevel: ConnectionSettings;
  /** A server whose only slot is taken. */
  readonly fullSlots: ConnectionSettings;
  /** A server that allows no walsenders. */
  readonly noSenders: ConnectionSettings;
  /** A port at which nobody listens. */
  readonly deadPort: number;
  /** A port at which a web server answers. */
  readonly webPort: number;
  /** Prefix of the good source. */
  readonly goodPrefix: string;
}

/** Statements that prepare the source's server. Roles are named by `suffix`, because they belong to the whole server. */
export function sourcePreparation(suffix: string, database: string): readonly string[] {
  return /* sql */ `
    create role plain_${suffix} login password 'plain';
    create role copier_${suffix} login replication password 'copier';
    create role blind_${suffix} login replication password 'blind';
    grant select on public.item to copier_${suffix};
    create publication everything for all tables;
    create publication others for table public.item;
    grant create on database "${database}" to blind_${suffix};
    select pg_create_logical_replication_slot('foreign_${suffix}', 'test_decoding');
    select pg_create_physical_replication_slot('physical_${suffix}');
    select pg_create_logical_replication_slot('unclaimed_${suffix}', 'pgoutput');
  `
    .split(';')
    .filter((statement) => statement.trim() !== '');
}

/** Connectors by their names; each fails for a reason of its own. */
export function badServers(scene: Scene, suffix: string): Readonly<Record<string, BadServer>> {
  const { source, target, replica, deadPort, webPort, goodPrefix } = scene;
  const from = (name: string, where: Partial<ConnectionSettings>, more: Readonly<Record<string, string>> = {}) =>
    sourceConfig({ ...source, ...where }, name, more);
  const to = (where: Partial<ConnectionSettings>, more: Readonly<Record<string, string>> = {}) =>
    sinkConfig({ ...target, ...where }, goodPrefix, more);
  return {
    'source-port': {
      state: 'nobody listens at the port of the source',
      config: from('source-port', { port: deadPort }),
      says: new RegExp(`Cannot connect to database ".*" at 127\\.0\\.0\\.1:${deadPort}.*ECONNREFUSED`),
      advises: /server runs|hostname|port/i,
    },
    'source-host': {
      state: "the source's host name is not known",
      config: from('source-host', { host: 'no-such-host.invalid' }),
      says: /Cannot connect to database ".*" at no-such-host\.invalid/,
      advises: /server runs|host|DNS/i,
    },
    'source-web': {
      state: 'something else than Postgres listens at the port',
      config: from('source-web', { port: webPort }),
      says: /what answers there does not speak Postgres's protocol|the connection was lost/,
      advises: /host and port/,
    },
    'source-web-tls': {
      state: 'something else than Postgres listens, and TLS is preferred',
      config: from('source-web-tls', { port: webPort }, { 'database.sslmode': 'prefer' }),
      says: /what answers there does not speak Postgres's protocol/,
      advises: /host and port/,
    },
    'source-password': {
      state: 'a wrong password for the source',
      config: from('source-password', { password: 'wrong' }),
      says: /password authentication failed for user "postgres"/,
      advises: /password.*pg_hba\.conf/,
    },
    'source-role': {
      state: 'a role that does not exist',
      config: from('source-role', { user: 'nobody_knows' }),
      says: /"nobody_knows"/,
      advises: /Check user, password/,
    },
    'source-database': {
      state: 'a source database that does not exist',
      config: from('source-database', { database: 'no_such_database' }),
      says: /database "no_such_database" does not exist/,
      advises: /Check the database's name/,
    },
    'source-tls': {
      state: 'TLS is asked of a source without it',
      config: from('source-tls', { sslmode: 'require' }, { 'database.sslmode': 'require' }),
      says: /the server offers no TLS/,
      advises: /sslmode/,
    },
    'source-sslrootcert': {
      state: 'a missing certificate file',
      config: from(
        'source-sslrootcert',
        {},
        { 'database.sslmode': 'verify-full', 'database.sslrootcert': 'nowhere.pem' },
      ),
      says: /Cannot read sslrootcert "nowhere\.pem"/,
      advises: /Check the path of sslrootcert/,
    },
    'source-replication': {
      state: 'a role without REPLICATION',
      config: from('source-replication', { user: `plain_${suffix}`, password: 'plain' }),
      says: new RegExp(`plain_${suffix}|permission denied`),
      advises: /alter role .* replication|REPLICATION/i,
    },
    'source-select': {
      state: 'a role that may not read a captured table',
      config: from(
        'source-select',
        { user: `blind_${suffix}`, password: 'blind' },
        {
          'publication.name': 'others',
          'publication.autocreate.mode': 'disabled',
        },
      ),
      says: /public\.item|table item/,
      advises: /grant select|Grant/i,
    },
    'source-create': {
      state: 'a role that may not create the publication',
      config: from('source-create', { user: `copier_${suffix}`, password: 'copier' }),
      says: /Cannot prepare publication "source-create_publication"/,
      advises: /grant|publication\.autocreate\.mode/i,
    },
    'source-publication': {
      state: 'no publication, and it must not be created',
      config: from('source-publication', {}, { 'publication.autocreate.mode': 'disabled' }),
      says: /Publication "source-publication_publication" does not exist/,
      advises: /publication\.autocreate\.mode/,
    },
    'source-all-tables': {
      state: 'a publication for all tables where a filtered one is asked for',
      config: from('source-all-tables', {}, { 'publication.name': 'everything' }),
      says: /Publication "everything" is for all tables/,
      advises: /all_tables or disabled/,
    },
    'source-plugin': {
      state: 'a slot of another plugin',
      config: from('source-plugin', {}, { 'slot.name': `foreign_${suffix}` }),
      says: new RegExp(`Slot "foreign_${suffix}" is not a pgoutput slot`),
      advises: /slot\.name/,
    },
    'source-physical': {
      state: 'a physical slot',
      config: from('source-physical', {}, { 'slot.name': `physical_${suffix}` }),
      says: new RegExp(`Slot "physical_${suffix}" is not a pgoutput slot`),
      advises: /slot\.name/,
    },
    'source-unclaimed': {
      state: 'a slot that somebody else made',
      config: from('source-unclaimed', {}, { 'slot.name': `unclaimed_${suffix}` }),
      says: new RegExp(`Slot unclaimed_${suffix} exists, but the log of source-unclaimed knows nothing of it`),
      advises: /pg_drop_replication_slot|slot\.name/,
    },
    'source-tables': {
      state: 'no table matches the filters',
      config: from('source-tables', {}, { 'table.include.list': 'public\\.itme' }),
      says: /No table|matches no table/i,
      advises: /public\.item|table\.include\.list/,
    },
    'source-wal-level': {
      state: 'wal_level = replica',
      config: sourceConfig(scene.replicaLevel, 'source-wal-level'),
      says: /wal_level/,
      advises: /wal_level = (')?logical/,
    },
    'source-slots': {
      state: 'no free replication slot',
      config: sourceConfig(scene.fullSlots, 'source-slots'),
      says: /replication slots are in use/,
      advises: /max_replication_slots/,
    },
    'source-senders': {
      state: 'no walsender is allowed',
      config: sourceConfig(scene.noSenders, 'source-senders'),
      says: /max_wal_senders|WAL sender/i,
      advises: /max_wal_senders/,
    },
    'sink-port': {
      state: 'nobody listens at the port of the target',
      config: to({ port: deadPort }),
      says: new RegExp(`at 127\\.0\\.0\\.1:${deadPort}.*ECONNREFUSED`),
      advises: /server runs|port/i,
    },
    'sink-password': {
      state: 'a wrong password for the target',
      config: to({ password: 'wrong' }),
      says: /password authentication failed/,
      advises: /password.*pg_hba\.conf/,
    },
    'sink-database': {
      state: 'a target database that does not exist',
      config: to({ database: 'no_such_target' }),
      says: /database "no_such_target" does not exist/,
      advises: /Check the database's name/,
    },
    'sink-rights': {
      state: 'a role that may not write the target',
      config: to({ user: `plain_${suffix}`, password: 'plain' }),
      says: /permission denied/,
      advises: /grant/i,
    },
    'sink-not-empty': {
      state: 'a target table that has rows already',
      config: sinkConfig({ ...source }, goodPrefix),
      says: /Table "public"\."item" on the target is not empty/,
      advises: /target\.not\.empty/,
    },
    'sink-no-table': {
      state: 'a target table is missing and must not be created',
      config: to({}, { 'auto.create': 'false' }),
      says: /Table "public"\."item" does not exist on the target/,
      advises: /auto\.create/,
    },
    'sink-no-source': {
      state: 'a sink of a source that never ran',
      config: sinkConfig(replica, 'nobody-writes-this'),
      says: /nobody-writes-this\.checkpoints does not exist yet: its source has not started/,
      advises: /topic\.prefix|start/i,
    },
  };
}
