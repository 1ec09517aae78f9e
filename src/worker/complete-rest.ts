import { withoutPrefix } from '../connector/member-prefix.ts';
import { type Files, readTls, saysTls } from '../connector/read-tls.ts';
import { TLS_MEMBERS, type TlsSettings } from '../connector/tls-settings.ts';
import { HTTPS_PREFIX, type ListenerTls, type RestSettings } from './rest-settings.ts';
import type { HttpsConfig, RestConfig } from './worker-config.ts';

/** What was found while settings are put together; each begins with the key that it is about. */
export interface Found {
  readonly problems: string[];
  readonly warnings: string[];
  readonly secrets: string[];
}

/** How the REST API is served; undefined when it is not, or not rightly. `common` are the settings without a prefix. */
export function completeRest(
  settings: RestSettings,
  common: TlsSettings,
  found: Found,
  files: Files,
): RestConfig | undefined {
  const { problems, warnings, secrets } = found;
  const { listener, restAuthentication, restCredentials: credentials } = settings;
  if (listener === undefined) return undefined;
  const { host, port } = listener;
  const https = tlsOfListener(settings, common, found, files);
  const isOpen = !isLoopback(host) && https?.clientAuth !== 'required';
  if (restAuthentication === undefined && isOpen) {
    problems.push(
      'listeners is open to other machines: set rest.authentication to basic or bearer and rest.credentials, or rest.authentication to none if everybody who reaches it may control this daemon',
    );
  }
  const authentication = restAuthentication ?? 'none';
  if (authentication !== 'none' && !credentials)
    problems.push(`rest.credentials is required: rest.authentication is ${authentication}`);
  if (authentication === 'none' && credentials)
    warnings.push('rest.credentials has no effect while rest.authentication is none');
  if (authentication === 'basic' && credentials) {
    const colon = credentials.indexOf(':');
    if (colon < 1) problems.push('rest.credentials must be user:password: rest.authentication is basic');
    else if (colon + 1 < credentials.length) secrets.push(credentials.slice(colon + 1));
  }
  return { host, port, authentication, credentials, https };
}

/** True when a listener on https has its certificate from the settings without a prefix, as in Connect: none has the prefix. */
export function sharesTls(settings: RestSettings): boolean {
  return settings.listener?.isHttps === true && !saysTls(ownTls(settings));
}

function tlsOfListener(
  settings: RestSettings,
  common: TlsSettings,
  { problems, warnings }: Found,
  files: Files,
): HttpsConfig | undefined {
  const { listener, httpsClientAuth: clientAuth } = settings;
  const own = ownTls(settings);
  if (listener?.isHttps !== true) {
    if (saysTls(own) || clientAuth !== 'none')
      warnings.push(`${HTTPS_PREFIX}ssl.* has no effect while listeners is not https`);
    return undefined;
  }
  const prefix = sharesTls(settings) ? '' : HTTPS_PREFIX;
  const before = problems.length;
  const { ca, cert, key, keyPassword } = readTls(prefix === '' ? common : own, prefix, problems, files);
  if (problems.length > before) return undefined;
  if (cert === undefined || key === undefined) {
    problems.push(
      `${HTTPS_PREFIX}ssl.keystore.location, or ${HTTPS_PREFIX}ssl.keystore.key and .keystore.certificate.chain, is required: listeners is https`,
    );
    return undefined;
  }
  // Without it every certificate of the public authorities would be let in.
  if (clientAuth !== 'none' && ca === undefined)
    problems.push(`${prefix}ssl.truststore.location is required: ${HTTPS_PREFIX}ssl.client.auth is ${clientAuth}`);
  return { cert, key, keyPassword, ca, clientAuth };
}

function ownTls(settings: RestSettings): TlsSettings {
  const members = TLS_MEMBERS.filter((name) => name !== 'verifyHostname');
  return { ...withoutPrefix<'https', ListenerTls>('https', members, settings), verifyHostname: true };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
