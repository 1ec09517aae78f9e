import { type Files, readTls } from '../connector/read-tls.ts';
import type { TlsSettings } from '../connector/tls-settings.ts';
import type { Found } from './complete-rest.ts';
import type { SaslSettings } from './sasl-settings.ts';
import type { OAuthConfig, SaslConfig } from './worker-config.ts';

const MECHANISMS = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram-sha-256',
  'SCRAM-SHA-512': 'scram-sha-512',
} as const;

/** How to log in to Kafka; undefined when nobody is to, or the settings do not say it rightly. `tls` is for the endpoint of tokens. */
export function completeSasl(
  settings: SaslSettings,
  tls: TlsSettings,
  securityProtocol: string,
  found: Found,
  files: Files,
): SaslConfig | undefined {
  const { problems, warnings, secrets } = found;
  const { saslMechanism, saslJaas, saslUsername, saslPassword, oauthEndpoint } = settings;
  if (saslJaas?.kind === 'password') secrets.push(saslJaas.password);
  if (saslJaas?.kind === 'oauth' && saslJaas.clientSecret !== undefined) secrets.push(saslJaas.clientSecret);
  const isGiven = [saslMechanism, saslJaas, saslUsername, oauthEndpoint].some((each) => each !== undefined);
  if (!securityProtocol.startsWith('SASL')) {
    if (isGiven) warnings.push(`sasl.* has no effect while security.protocol is ${securityProtocol}`);
    return undefined;
  }
  if (saslMechanism === undefined)
    problems.push(`sasl.mechanism is required: security.protocol is ${securityProtocol}`);
  if (saslMechanism === 'OAUTHBEARER') return oauth(settings, tls, securityProtocol, found, files);
  if (saslJaas?.kind === 'oauth') {
    problems.push('sasl.jaas.config names OAuthBearerLoginModule, which goes with sasl.mechanism=OAUTHBEARER');
    return undefined;
  }
  const username = saslJaas?.username ?? saslUsername;
  const password = saslJaas?.password ?? saslPassword;
  if (username === undefined) problems.push('sasl.jaas.config, or sasl.username and sasl.password, is required');
  else if (password === undefined) problems.push('sasl.password is required: sasl.username is given');
  if (saslMechanism === undefined || username === undefined || password === undefined) return undefined;
  return { mechanism: MECHANISMS[saslMechanism], username, password };
}

/** What settings say goes before what the login module says, as in Kafka's own clients. */
function oauth(
  settings: SaslSettings,
  tls: TlsSettings,
  securityProtocol: string,
  { problems, warnings }: Found,
  files: Files,
): OAuthConfig | undefined {
  const { saslJaas: jaas, oauthEndpoint: endpoint, oauthUrlEncodes: urlEncodes } = settings;
  if (jaas?.kind === 'password') {
    problems.push('sasl.jaas.config must name OAuthBearerLoginModule: sasl.mechanism is OAUTHBEARER');
    return undefined;
  }
  const clientId = settings.oauthClientId ?? jaas?.clientId;
  const clientSecret = settings.oauthClientSecret ?? jaas?.clientSecret;
  const scope = settings.oauthScope ?? jaas?.scope;
  if (endpoint === undefined)
    problems.push('sasl.oauthbearer.token.endpoint.url is required: sasl.mechanism is OAUTHBEARER');
  if (clientId === undefined || clientSecret === undefined) {
    const [what, key] = clientId === undefined ? ['clientId', 'id'] : ['clientSecret', 'secret'];
    problems.push(
      `sasl.jaas.config with ${what}, or sasl.oauthbearer.client.credentials.client.${key}, is required: sasl.mechanism is OAUTHBEARER`,
    );
  }
  if (endpoint === undefined || clientId === undefined || clientSecret === undefined) return undefined;
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === 'http:' && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname))
    warnings.push('sasl.oauthbearer.token.endpoint.url is not https: the secret of the client can be read on its way');
  const unread: string[] = [];
  const ca = protocol === 'https:' ? readTls(tls, '', unread, files).ca : undefined;
  if (!securityProtocol.endsWith('SSL')) problems.push(...unread); // else they are told of the brokers' TLS
  const extensions = jaas?.extensions ?? {};
  return { mechanism: 'oauthbearer', endpoint, clientId, clientSecret, scope, urlEncodes, extensions, ca };
}
