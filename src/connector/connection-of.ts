import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { PostgresSinkConfig } from './postgres-sink.ts';
import type { OriginSettings } from './source-settings.ts';

/** The source database of a config. */
export function sourceConnection(config: OriginSettings): ConnectionSettings {
  const { hostname: host, port, database, user, sslmode } = config;
  return { host, port, database, user, sslmode, ...given('password', config.password), ...tlsFiles(config) };
}

/** The target database of a config; settings of their own win over what the URL says. */
export function sinkConnection(config: PostgresSinkConfig): ConnectionSettings {
  const { connection } = config;
  const user = config.user ?? connection.user ?? '';
  return { ...connection, user, ...given('password', config.password) };
}

function tlsFiles(config: OriginSettings): Pick<ConnectionSettings, 'sslrootcert' | 'sslcert' | 'sslkey'> {
  return {
    ...given('sslrootcert', config.sslrootcert),
    ...given('sslcert', config.sslcert),
    ...given('sslkey', config.sslkey),
  };
}

function given<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: string });
}
