import { OperatorError } from '../errors.ts';
import { nearest } from './nearest.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';

/** How TLS is used; the words are libpq's. */
export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** A connection as its URL gives it; the user and password may still come from settings of their own. */
export type UrlConnection = Omit<ConnectionSettings, 'user'> & {
  readonly user?: string;
  /** What is to be said of parameters that mean nothing here; goes on after the key. */
  readonly warnings?: readonly string[];
};

const MEANINGFUL = ['user', 'username', 'password', 'sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey'] as const;

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
  const warnings = strange(query);
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
    ...(warnings.length > 0 ? { warnings } : {}),
  };
}

/** Judges the parameters that mean nothing here. OperatorError for one whose lack would leave the connection less safe than it reads. */
function strange(query: URLSearchParams): readonly string[] {
  const known: readonly string[] = MEANINGFUL;
  return [...new Set(query.keys())]
    .filter((name) => !known.includes(name))
    .map((name) => {
      const guess = nearest(name, known);
      // A password with an & that is not encoded goes on as a parameter: what does not look like a name is not repeated.
      const shown =
        /^[A-Za-z][A-Za-z_]{1,39}$/.test(name) && query.get(name) !== '' ? `the parameter ${name}` : 'a parameter';
      const hint = guess === undefined ? '' : `; did you mean ${guess}?`;
      if (/ssl|tls|gssenc|channel_?binding|require_?auth/i.test(name) || guess?.startsWith('ssl')) {
        throw new OperatorError(`has ${shown}, which is not supported: the connection would be less safe${hint}`);
      }
      return `has ${shown}, which has no effect${hint}`;
    });
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
