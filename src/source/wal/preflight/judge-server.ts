import { Findings, type Finding } from '../../../finding.ts';
import { quoteIdentifier, quoteLiteral } from '../../../postgres/identifier.ts';
import type { WalSourceSettings } from '../settings.ts';
import type { ServerFacts } from './server-facts.ts';

const RESTART = '-- then restart the server';
const RELOAD = /* sql */ `select pg_reload_conf();`;
/** Less patience than this, and an idle slot may be gone after a weekend. */
const KEEP_SIZE = '50GB';

/** Judges the server itself: version, settings, rights of the role. */
export function judgeServer(facts: ServerFacts, settings: WalSourceSettings, object: string): readonly Finding[] {
  const found = new Findings();
  judgeVersion(facts, found, object);
  judgeWalLevel(facts, found, object);
  judgeRole(facts, found, settings);
  judgeRoom(facts, found, settings, object);
  judgeKeeping(facts, found, object);
  if (facts.encoding === 'SQL_ASCII') {
    found.warning(
      'encoding',
      `database ${settings.connection.database}`,
      'Its encoding is SQL_ASCII: the server checks no characters, and text that is not UTF-8 stops the connector.',
      `pg_dump ${settings.connection.database} | iconv -f LATIN1 -t UTF-8 # and load it into: create database … encoding 'UTF8' template template0;`,
    );
  }
  return found.all;
}

function judgeVersion({ version, isStandby, primary }: ServerFacts, found: Findings, object: string): void {
  const major = Math.floor(version / 10_000);
  if (major < 14) {
    found.problem(
      'version',
      object,
      `It is Postgres ${major}; 14 or newer is needed.`,
      'pg_upgrade to version 14 or newer.',
    );
  } else found.ok('version', object, `Postgres ${major}.`);
  if (!isStandby) return;
  const where = primary === null ? 'the address of the primary' : `"${primary}"`;
  found.problem(
    'standby',
    object,
    'It is a standby: the publication and the advisory lock of a source need the primary.',
    `Set database.hostname to ${where}.`,
  );
}

function judgeWalLevel({ settings }: ServerFacts, found: Findings, object: string): void {
  const level = settings['wal_level'] ?? 'unknown';
  if (level === 'logical') return found.ok('wal_level', object, 'wal_level is logical.');
  found.problem('wal_level', object, `wal_level is ${level}; logical decoding needs logical.`, walLevelFix(settings));
}

/** Managed platforms have a switch of their own instead of ALTER SYSTEM. */
function walLevelFix(settings: ServerFacts['settings']): string {
  if ('rds.logical_replication' in settings) {
    return 'aws rds modify-db-parameter-group --db-parameter-group-name <the group of this instance> --parameters "ParameterName=rds.logical_replication,ParameterValue=1,ApplyMethod=pending-reboot" # then reboot the instance';
  }
  if ('cloudsql.logical_decoding' in settings) {
    return 'gcloud sql instances patch <this instance> --database-flags=cloudsql.logical_decoding=on # add the flags that it has already';
  }
  if ('azure.extensions' in settings) {
    return 'az postgres flexible-server parameter set --name wal_level --value logical --server-name <this server> --resource-group <its group> # then restart it';
  }
  return /* sql */ `alter system set wal_level = 'logical'; ${RESTART}`;
}

function judgeRole({ role, replicationRoles }: ServerFacts, found: Findings, { connection }: WalSourceSettings): void {
  const object = `role ${connection.user}`;
  const isManaged = role.managed.includes('rds_replication');
  if (role.isSuperuser || role.mayReplicate || isManaged) {
    return found.ok('replication', object, 'It may replicate.');
  }
  const name = quoteIdentifier(connection.user);
  const grants = replicationRoles.map((each) => /* sql */ `grant ${quoteIdentifier(each)} to ${name};`);
  found.problem(
    'replication',
    object,
    'It may not replicate: it can neither make a slot nor stream.',
    grants[0] ?? /* sql */ `alter role ${name} replication;`,
  );
}

function judgeRoom(facts: ServerFacts, found: Findings, { slotName }: WalSourceSettings, object: string): void {
  const slots = Number(facts.settings['max_replication_slots'] ?? 0);
  const senders = Number(facts.settings['max_wal_senders'] ?? 0);
  const exists = facts.slots.some(({ name }) => name === slotName);
  if (exists || facts.slots.length < slots) {
    found.ok('replication slots', object, `${facts.slots.length} of ${slots} replication slots are in use.`);
  } else {
    const idle = facts.slots.filter(({ activePid }) => activePid === null).map(({ name }) => name);
    const drops = idle.map(
      (name) => /* sql */ `select pg_drop_replication_slot(${quoteLiteral(name)}); -- if nobody needs it`,
    );
    const raise = /* sql */ `alter system set max_replication_slots = ${Math.max(10, slots * 2)}; ${RESTART}`;
    found.problem(
      'replication slots',
      object,
      `All ${slots} replication slots are in use (max_replication_slots).`,
      [raise, ...drops].join('\n'),
    );
  }
  const isOurs = facts.slots.some(({ name, activePid }) => name === slotName && activePid !== null);
  if (isOurs || facts.walsenders < senders) {
    found.ok('wal senders', object, `${facts.walsenders} of ${senders} walsenders are in use.`);
  } else {
    const raise = /* sql */ `alter system set max_wal_senders = ${Math.max(10, senders * 2)}; ${RESTART}`;
    found.problem('wal senders', object, `All ${senders} walsenders are in use (max_wal_senders).`, raise);
  }
}

function judgeKeeping({ settings }: ServerFacts, found: Findings, object: string): void {
  if (settings['max_slot_wal_keep_size'] === '-1') {
    found.warning(
      'slot size',
      object,
      'max_slot_wal_keep_size is unlimited: while the connector is away, its slot can fill the disk of the source.',
      `alter system set max_slot_wal_keep_size = '${KEEP_SIZE}'; ${RELOAD}`,
    );
  }
  if (Number(settings['idle_replication_slot_timeout'] ?? 0) > 0) {
    found.warning(
      'slot timeout',
      object,
      'idle_replication_slot_timeout is set: a connector that is away for longer loses its slot, and must copy anew.',
      /* sql */ `alter system set idle_replication_slot_timeout = 0; ${RELOAD}`,
    );
  }
  if (settings['wal_sender_timeout'] === '0') {
    found.warning(
      'wal_sender_timeout',
      object,
      'wal_sender_timeout is 0: the server never notices that a connector is gone, and its slot stays busy.',
      /* sql */ `alter system set wal_sender_timeout = '60s'; ${RELOAD}`,
    );
  }
}
