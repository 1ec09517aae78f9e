import { OperatorError } from '../errors.ts';
import { declare, type Effect, optional, type Setting, type SettingsOf, secret, text } from './setting.ts';

/** TLS as Kafka's clients are told of it, PEM only. */
export interface TlsSettings {
  readonly truststoreType: 'PEM' | undefined;
  readonly truststoreLocation: string | undefined;
  readonly truststoreCertificates: string | undefined;
  readonly keystoreType: 'PEM' | undefined;
  readonly keystoreLocation: string | undefined;
  readonly keystoreKey: string | undefined;
  readonly keystoreChain: string | undefined;
  readonly certificateLocation: string | undefined;
  readonly keyLocation: string | undefined;
  readonly keyPassword: string | undefined;
  readonly verifyHostname: boolean;
}

/** How a Java key store becomes PEM; continues a sentence. */
export const CONVERT_TRUSTSTORE =
  'export each certificate with "keytool -exportcert -rfc -keystore STORE -alias ALIAS" into one PEM file and set its type to PEM';
export const CONVERT_KEYSTORE =
  'convert it with "keytool -importkeystore -srckeystore STORE -destkeystore client.p12 -deststoretype PKCS12" and "openssl pkcs12 -in client.p12 -out client.pem", and set its type to PEM';

/**
 * The settings below a prefix: `''` for `ssl.truststore.location`, `schema.registry.` for `schema.registry.ssl.truststore.location`. `who`
 * shows the certificate.
 */
export function tlsSettings(
  prefix: string,
  group: string,
  effect: Effect,
  who: 'client' | 'listener' = 'client',
): SettingsOf<TlsSettings> {
  const spec = (doc: string): { group: string; effect: Effect; importance: 'low'; doc: string } => {
    return { group, effect, importance: 'low', doc };
  };
  const key = (name: string): string => `${prefix}ssl.${name}`;
  const trusted = who === 'client' ? "; the system's without it" : ', for the certificates of clients';
  return {
    truststoreType: storeType(key('truststore.type'), CONVERT_TRUSTSTORE, spec('Form of the trust store: PEM.')),
    truststoreLocation: optional(
      text(key('truststore.location'), spec(`PEM file of the authorities to trust${trusted}.`)),
    ),
    truststoreCertificates: optional(
      secret(key('truststore.certificates'), spec('The authorities to trust, as PEM text.')),
    ),
    keystoreType: storeType(key('keystore.type'), CONVERT_KEYSTORE, spec('Form of the key store: PEM.')),
    keystoreLocation: optional(
      text(key('keystore.location'), spec(`PEM file with the ${who}'s private key and certificate chain.`)),
    ),
    keystoreKey: optional(secret(key('keystore.key'), spec(`The ${who}'s private key, as PEM text.`))),
    keystoreChain: optional(
      secret(key('keystore.certificate.chain'), spec(`The ${who}'s certificate chain, as PEM text.`)),
    ),
    certificateLocation: optional(
      text(key('certificate.location'), spec(`PEM file of the ${who}'s certificate chain, without its key.`)),
    ),
    keyLocation: optional(text(key('key.location'), spec(`PEM file of the ${who}'s private key.`))),
    keyPassword: optional(secret(key('key.password'), spec(`Password of the ${who}'s private key.`))),
    verifyHostname: identification(
      key('endpoint.identification.algorithm'),
      spec("https: the server's certificate must be for its host name; empty or none: that is not checked."),
    ),
  };
}

/** The members of `TlsSettings`. */
export const TLS_MEMBERS: readonly (keyof TlsSettings)[] = Object.keys(
  tlsSettings('', '', 'restart'),
) as (keyof TlsSettings)[];

/** librdkafka's names of the same things. */
export function tlsRenames(prefix: string): Readonly<Record<string, string>> {
  return { [`${prefix}ssl.ca.location`]: `${prefix}ssl.truststore.location` };
}

/** What a Java client also has and Node decides by itself. */
export function tlsIgnored(prefix: string): Readonly<Record<string, string>> {
  const java = 'it belongs to the Java platform';
  const names = [
    'protocol',
    'enabled.protocols',
    'cipher.suites',
    'provider',
    'keymanager.algorithm',
    'trustmanager.algorithm',
    'secure.random.implementation',
    'engine.factory.class',
  ];
  return {
    ...Object.fromEntries(names.map((name) => [`${prefix}ssl.${name}`, java])),
    [`${prefix}ssl.truststore.password`]: 'a PEM file of certificates has no password',
    [`${prefix}ssl.keystore.password`]: 'the password of a PEM key is ssl.key.password',
  };
}

type Spec = Parameters<typeof text>[1];

function storeType(key: string, how: string, spec: Spec): Setting<'PEM' | undefined> {
  const setting = declare(key, 'STRING', spec, (value): 'PEM' => {
    if (value.toUpperCase() === 'PEM') return 'PEM';
    throw new OperatorError(`must be PEM: Java key stores cannot be read; ${how}`);
  });
  return { ...optional(setting), choices: ['PEM'] };
}

function identification(key: string, spec: Spec): Setting<boolean> {
  const setting = declare(key, 'STRING', { ...spec, default: 'https' }, (value) => {
    const word = value.toLowerCase();
    if (['https', 'none', ''].includes(word)) return word === 'https';
    throw new OperatorError('must be https, or empty');
  });
  return { ...setting, choices: ['https', 'none', ''] };
}
