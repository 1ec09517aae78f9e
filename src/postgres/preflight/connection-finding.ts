import { describeError } from '../../errors.ts';
import type { Finding } from '../../finding.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { sqlState } from '../errors.ts';
import { quoteIdentifier } from '../identifier.ts';

type Where = Pick<ConnectionSettings, 'host' | 'port' | 'database' | 'user' | 'sslmode'>;

/** `server host:port`, as findings name it. */
export function serverName({ host, port }: Pick<Where, 'host' | 'port'>): string {
  return `server ${host}:${port}`;
}

/** What a failed connection means, and what mends it. `keys` names the settings in the connector's file. */
export function connectionFinding(
  error: unknown,
  where: Where,
  keys: { readonly host: string; readonly password: string; readonly sslmode: string },
): Finding {
  const text = describeError(error);
  const [check, fix] = judge(text, sqlState(error), codeOf(error), where, keys);
  return { level: 'problem', check, object: serverName(where), message: `${text}.`, ...(fix !== undefined && { fix }) };
}

type Verdict = readonly [check: string, fix?: string];

function judge(
  text: string,
  state: string | undefined,
  code: string,
  where: Where,
  keys: { readonly host: string; readonly password: string; readonly sslmode: string },
): Verdict {
  const { database, user } = where;
  const [role, base] = [quoteIdentifier(user), quoteIdentifier(database)];
  if (state === '28P01') {
    return ['credentials', `Correct ${keys.password}, or in psql as an administrator: \\password ${role}`];
  }
  if (state?.startsWith('28')) return refused(text, where, role);
  if (state === '3D000') return ['database', /* sql */ `create database ${base};`];
  if (state === '42501' && /permission denied for database/.test(text)) {
    return ['database', /* sql */ `grant connect on database ${base} to ${role};`];
  }
  if (state === '53300')
    return ['connections', /* sql */ `alter system set max_connections = 200; -- then restart the server`];
  if (/unrecognized configuration parameter/.test(text)) return ['version', 'pg_upgrade to version 14 or newer.'];
  if (state === '08P01' || /Session setting/.test(text)) {
    return ['pooler', `Set ${keys.host} to the address of Postgres itself, not of the pooler in front of it.`];
  }
  if (/offers no TLS/.test(text)) {
    return [
      'tls',
      `Set ${keys.sslmode} to prefer, or on the server: alter system set ssl = on; select pg_reload_conf();`,
    ];
  }
  if (/certificate|CERT/.test(text)) {
    return ['tls', `Set ${keys.sslmode} and the root certificate to what the server has (now: ${where.sslmode}).`];
  }
  return ['reachable', networkFix(code, where, keys.host)];
}

function refused(text: string, { host, user, database }: Where, role: string): Verdict {
  if (/is not permitted to log in/.test(text)) return ['credentials', /* sql */ `alter role ${role} login;`];
  if (/role ".*" does not exist/.test(text)) {
    return ['credentials', /* sql */ `create role ${role} login replication; -- then in psql: \\password ${role}`];
  }
  const entry = /pg_hba\.conf entry for (?:replication connection from )?host "([^"]+)"/.exec(text);
  if (!entry) return ['credentials', `Check the role, its password and the pg_hba.conf of ${host}.`];
  const client = entry[1] as string;
  const kind = /no encryption|SSL off/.test(text) ? 'host' : 'hostssl';
  const line = `${kind} ${hbaName(database)} ${hbaName(user)} ${client}/${client.includes(':') ? 128 : 32} scram-sha-256`;
  return ['pg_hba', `Add to pg_hba.conf: ${line}\nselect pg_reload_conf();`];
}

function hbaName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function networkFix(code: string, { host, port }: Where, key: string): string {
  if (/ENOTFOUND|EAI_/.test(code)) return `Correct ${key}: no name server knows "${host}".`;
  if (code === 'ECONNREFUSED') return `Start Postgres on ${host}, or correct the port: nothing listens on ${port}.`;
  return `pg_isready -h ${host} -p ${port}`;
}

/** The system's code of a failed connection, wherever in the chain of causes it stands. */
export function codeOf(error: unknown): string {
  for (let e = error; e instanceof Error; e = e.cause) {
    if ('code' in e && typeof e.code === 'string') return e.code;
  }
  return '';
}

/** A look that failed by itself: nobody knows, and the reason is told. */
export function failedLook(error: unknown, check: string, object: string): Finding {
  return { level: 'unknown', check, object, message: `Could not be looked at: ${describeError(error)}.` };
}
