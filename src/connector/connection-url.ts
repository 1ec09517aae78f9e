import { OperatorError } from '../errors.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';

/** How TLS is used; the words are libpq's. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** A connection as its URL gives it; the user and password may still come from settings of their own. */
export type UrlConnection = Omit<ConnectionSettings, 'user'> & { readonly user?: string };

const MEANINGFUL = new Set(['user', 'username', 'password', 'sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey']);

/**
 * Reads `jdbc:postgresql://host:port/database?…`, `postgres://…` and `postgresql://…`. Throws OperatorError whose message
 * continues "connection.url …" and never holds the URL: there may be a password in it.
 */
export function parseConnectionUrl(text: string): UrlConnection {
  const url = parse(text.replace(/^jdbc:/, ''));
  const query = url.searchParams;
  const user = decoded(url.username) || query.get('user') || query.get('username');
  const password = decoded(url.password) || query.get('password');
  const database = decoded(url.pathname.slice(1));
  if (database === '') throw new OperatorError('names no database');
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: url.port === '' ? 5432 : Number(url.port),
    database,
    ...(user ? { user } : {}),
    ...(password ? { password } : {}),
    sslmode: sslMode(query),
    ...file(query, 'sslrootcert'),
    ...file(query, 'sslcert'),
    ...file(query, 'sslkey'),
  };
}

/** Parameters of the URL that mean nothing here. */
export function ignoredParameters(text: string): readonly string[] {
  return [...parse(text.replace(/^jdbc:/, '')).searchParams.keys()].filter((name) => !MEANINGFUL.has(name));
}

function parse(text: string): URL {
  const url = /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url) return url;
  throw new OperatorError('must be jdbc:postgresql://host:port/database or postgres://user@host:port/database');
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new OperatorError('has a % that encodes nothing: a % itself is written %25', { cause });
  }
}

function sslMode(query: URLSearchParams): ConnectionSettings['sslmode'] {
  const given = query.get('sslmode') ?? (query.get('ssl') === 'true' ? 'verify-full' : 'prefer');
  const mode = SSL_MODES.find((each) => each === given);
  if (mode) return mode;
  throw new OperatorError(`has an sslmode that is none of: ${SSL_MODES.join(', ')}`);
}

function file(
  query: URLSearchParams,
  name: 'sslrootcert' | 'sslcert' | 'sslkey',
): { readonly [K in typeof name]?: string } {
  const path = query.get(name);
  return path ? { [name]: path } : {};
}
