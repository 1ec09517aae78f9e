import type { RegistryClientConfig } from './client-config.ts';
import { type Prefixed, withoutPrefix, withPrefix } from './member-prefix.ts';
import { type Files, readTls, saysTls } from './read-tls.ts';
import { decodedOrSame } from './secret.ts';
import { choice, declare, type Effect, optional, secret, type Setting, type SettingsOf } from './setting.ts';
import { TLS_MEMBERS, tlsIgnored, tlsRenames, type TlsSettings, tlsSettings } from './tls-settings.ts';
import { OperatorError } from '../errors.ts';

/** The registry as Confluent's clients are told of it, setting by setting. */
export type RegistrySettings = Prefixed<'registry', TlsSettings> & {
  readonly registryUrls: readonly string[];
  readonly registryCredentialsSource: 'URL' | 'USER_INFO' | undefined;
  readonly registryUserInfo: string | undefined;
};

const GROUP = 'Schema registry';

/** The settings below `schema.registry.`, behind `prefix`: empty, or `value.converter.`. */
export function registrySettings(prefix: string, effect: Effect): SettingsOf<RegistrySettings> {
  const key = `${prefix}schema.registry.`;
  const spec = { group: GROUP, effect } as const;
  return {
    registryUrls: urls(
      `${key}url`,
      effect,
      prefix === '' ? 'the registry built in' : "the daemon's own schema.registry.url, or the registry built in",
    ),
    registryCredentialsSource: optional(
      choice(`${key}basic.auth.credentials.source`, ['URL', 'USER_INFO'], {
        ...spec,
        importance: 'low',
        foreseen: ['SASL_INHERIT'],
        doc: 'Where user and password are: in the URL, or in basic.auth.user.info. Found out when it is not said.',
      }),
    ),
    registryUserInfo: optional(
      secret(`${key}basic.auth.user.info`, { ...spec, doc: 'User and password of the registry, as user:password.' }),
    ),
    ...withPrefix('registry', tlsSettings(key, GROUP, effect)),
  };
}

/** Other names of the same settings: the client's without `schema.registry.`, and librdkafka's. */
export function registryRenames(prefix: string): Readonly<Record<string, string>> {
  const key = `${prefix}schema.registry.`;
  return {
    [`${prefix}basic.auth.credentials.source`]: `${key}basic.auth.credentials.source`,
    [`${prefix}basic.auth.user.info`]: `${key}basic.auth.user.info`,
    ...tlsRenames(key),
  };
}

/** The names of all these settings behind `schema.registry.`: `url`, `ssl.truststore.location` … */
export function registryNames(): readonly string[] {
  const settings = Object.values<{ readonly key: string }>(registrySettings('', 'restart'));
  return settings.map(({ key }) => key.slice('schema.registry.'.length));
}

/** What Java clients also have. */
export function registryIgnored(prefix: string): Readonly<Record<string, string>> {
  return tlsIgnored(`${prefix}schema.registry.`);
}

/** The registry's configuration; undefined when no URL is given. Problems and secrets are added to the lists. */
export function completeRegistry(
  settings: RegistrySettings,
  prefix: string,
  problems: string[],
  secrets: string[],
  files: Files,
): RegistryClientConfig | undefined {
  const { registryUrls, registryUserInfo: userInfo, registryCredentialsSource: source } = settings;
  const key = `${prefix}schema.registry.`;
  const tlsOf = withoutPrefix<'registry', TlsSettings>('registry', TLS_MEMBERS, settings);
  if (registryUrls.length === 0) {
    if (userInfo !== undefined || saysTls(tlsOf))
      problems.push(`${key}url is required: other settings of it are given`);
    return undefined;
  }
  const parsed = registryUrls.map((url) => new URL(url));
  const inUrls = new Set(parsed.map(credentials));
  if (inUrls.size > 1) problems.push(`${key}url must have the same user and password in every URL`);
  const [inUrl] = inUrls;
  secrets.push(...(inUrl === undefined ? [] : [inUrl]));
  if (source === 'USER_INFO' && userInfo === undefined) problems.push(`${key}basic.auth.user.info is required`);
  if (userInfo !== undefined && !userInfo.includes(':'))
    problems.push(`${key}basic.auth.user.info must be user:password`);
  const password = userInfo?.slice(userInfo.indexOf(':') + 1);
  secrets.push(...(password ? [password] : []));
  const basicAuth = source === 'URL' ? inUrl : (userInfo ?? inUrl);
  const isTls = parsed.some((url) => url.protocol === 'https:') || saysTls(tlsOf);
  const tls = isTls ? readTls(tlsOf, key, problems, files) : undefined;
  return { urls: parsed.map(withoutCredentials), basicAuth, tls };
}

function urls(key: string, effect: Effect, otherwise: string): Setting<readonly string[]> {
  const spec = {
    group: GROUP,
    effect,
    importance: 'high',
    default: '',
    doc: `Confluent's schema registry or another that speaks its REST API; several URLs are tried in turn. Empty: ${otherwise}.`,
  } as const;
  return declare(key, 'LIST', spec, (value) => {
    const found = value.split(',').map((each) => each.trim().replace(/\/+$/, ''));
    const given = found.filter((each) => each !== '');
    const isRight = (each: string): boolean => /^https?:\/\//.test(each) && URL.canParse(each);
    if (given.every(isRight)) return given;
    throw new OperatorError('must be http://host:port or https://host:port, several separated by commas');
  });
}

function credentials(url: URL): string | undefined {
  if (url.username === '') return undefined;
  return `${decodedOrSame(url.username)}:${decodedOrSame(url.password)}`;
}

function withoutCredentials(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}${url.search}`;
}
