import type { ConnectionOptions } from 'node:tls';
import type pg from 'pg';
import { BoundedClient, socketOf } from './bounded-client.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { OperatorError } from '../errors.ts';
import { readPemFile } from '../regular-file.ts';
import { postgresError, sqlState } from './errors.ts';

/**
 * What every session pins, as `pg_settings` shows it (Invariant 10), whatever role and database say: what the text of a value is, what a
 * statement means, which rows it sees, and for how long it may take.
 */
export const PINNED: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '3',
  bytea_output: 'hex',
  TimeZone: 'UTC',
  lc_monetary: 'C',
  xmloption: 'content',
  search_path: '',
  array_nulls: 'on', // else NULL in an array is taken for a text
  quote_all_identifiers: 'off', // it changes the text of regclass and its like
  standard_conforming_strings: 'on', // literals are written on this assumption
  transform_null_equals: 'off',
  row_security: 'off', // a statement whose rows a policy would hide fails, instead of hiding them (Invariant 7)
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  exit_on_error: 'off', // savepoints would be of no use
  jit: 'off', // it compiles for longer than a look at the catalog takes
  statement_timeout: '0',
  lock_timeout: '0',
  idle_session_timeout: '0',
  idle_in_transaction_session_timeout: '0',
};

const CONNECT_TIMEOUT_MS = 30_000;
/** The system asks a silent peer after this long whether it is still there; its own default is two hours. */
const KEEP_ALIVE_DELAY_MS = 10_000;

/**
 * Opens a connection whose session is pinned and checked (Invariant 10). `extra` holds further settings of the session;
 * `replication: 'database'` makes it a walsender. The connection never crashes the process when it dies while idle: the
 * next query fails instead. Throws TransientError or OperatorError; an abort ends the wait for a server at once, and is thrown.
 */
export async function connect(
  settings: ConnectionSettings,
  application: string,
  extra: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<pg.Client> {
  try {
    return await tryConnect(settings, application, extra, (config) => openClient(config, extra, signal));
  } catch (error) {
    signal?.throwIfAborted(); // what a socket says that was destroyed for it tells nothing
    throw error;
  }
}

async function openClient(
  config: pg.ClientConfig,
  extra: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<pg.Client> {
  signal?.throwIfAborted();
  const client = new BoundedClient(config);
  client.on('error', () => {}); // the next query reports it
  const drop = (): void => void socketOf(client).destroy();
  signal?.addEventListener('abort', drop, { once: true });
  try {
    await client.connect();
    await pinSession(client, extra);
    return client;
  } catch (error) {
    await client.end().catch(() => {}); // the first error is the one that tells
    throw error;
  } finally {
    signal?.removeEventListener('abort', drop);
  }
}

/** Runs `attempt` with the client configuration, once more with the other kind of transport where sslmode allows both. */
export async function tryConnect<T>(
  settings: ConnectionSettings,
  application: string,
  extra: Readonly<Record<string, string>>,
  attempt: (config: pg.ClientConfig) => Promise<T>,
): Promise<T> {
  const doing = `Cannot connect to database "${settings.database}" at ${settings.host}:${settings.port}`;
  const transports = sslTransports(settings);
  for (const [i, ssl] of transports.entries()) {
    try {
      return await attempt(clientConfig(settings, application, extra, ssl));
    } catch (error) {
      if (i + 1 === transports.length || !isTransportRefused(error)) throw postgresError(error, doing);
    }
  }
  throw new Error('No transport to try');
}

/**
 * Completes the pins of a fresh session and reads them back, with what `extra` says instead; throws OperatorError naming a setting that
 * did not hold (a pooler that drops startup options, for example).
 */
export async function pinSession(client: pg.ClientBase, extra: Readonly<Record<string, string>> = {}): Promise<void> {
  // First, because it runs already. As a startup option it would be refused by servers before 17, which do not know it.
  await client.query(
    /* sql */ `select set_config('transaction_timeout', '0', false) where current_setting('server_version_num')::int >= 170000`,
  );
  const result = await client.query<{ name: string; setting: string }>(
    /* sql */ `select name, setting from pg_catalog.pg_settings where name in (${Object.keys(PINNED)
      .map((name) => `'${name}'`)
      .join(', ')})`,
  );
  const found = new Map(result.rows.map((row) => [row.name, row.setting]));
  for (const [name, pinned] of Object.entries(PINNED)) {
    const value = extra[name] ?? pinned;
    if (found.get(name) === value) continue;
    throw new OperatorError(`Session setting "${name}" is "${found.get(name) ?? 'unknown'}" instead of "${value}"`, {
      advice: 'Connect to Postgres 14 or newer without a pooler that ignores startup options.',
    });
  }
}

function clientConfig(
  settings: ConnectionSettings,
  application: string,
  extra: Readonly<Record<string, string>>,
  ssl: ConnectionOptions | false,
): pg.ClientConfig {
  const { replication, ...session } = extra;
  const { host, port, database, user, password } = settings;
  const config: pg.ClientConfig & { replication?: string } = {
    host,
    port,
    database,
    user,
    ssl,
    application_name: application,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    options: Object.entries({ ...PINNED, ...session })
      .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`)
      .join(' '),
  };
  if (password !== undefined) config.password = password;
  if (replication !== undefined) config.replication = replication;
  return config;
}

function sslTransports(settings: ConnectionSettings): readonly (ConnectionOptions | false)[] {
  const { sslmode } = settings;
  if (sslmode === 'disable') return [false];
  const tls: ConnectionOptions = { rejectUnauthorized: false };
  if (settings.sslcert) tls.cert = readSetting('sslcert', settings.sslcert);
  if (settings.sslkey) tls.key = readSetting('sslkey', settings.sslkey);
  if (sslmode === 'prefer') return [tls, false];
  if (sslmode === 'allow') return [false, tls];
  if (settings.sslrootcert) tls.ca = readSetting('sslrootcert', settings.sslrootcert);
  if (sslmode === 'require' && !settings.sslrootcert) return [tls];
  tls.rejectUnauthorized = true;
  // As libpq: require with a root certificate means verify-ca, which does not look at the host name.
  if (sslmode !== 'verify-full') tls.checkServerIdentity = () => undefined;
  return [tls];
}

function readSetting(name: string, path: string): string {
  try {
    return readPemFile(path);
  } catch (error) {
    throw new OperatorError(`Cannot read ${name} "${path}"`, { cause: error, advice: `Check the path of ${name}.` });
  }
}

/** Without TLS where it is needed, or with it where there is none. */
function isTransportRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /server does not support SSL/i.test(error.message) || (sqlState(error) ?? '').startsWith('28');
}
