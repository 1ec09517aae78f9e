import { readFileSync } from 'node:fs';
import { OperatorError } from '../errors.ts';
import type { TlsConfig } from './client-config.ts';
import { CONVERT_KEYSTORE, CONVERT_TRUSTSTORE, TLS_MEMBERS, type TlsSettings } from './tls-settings.ts';

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const KEYS = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[\s\S]*?-----END ([A-Z]+ )?PRIVATE KEY-----/g;

/** Reads the PEM files that the settings name. What is wrong goes to `problems`, each begun with its key below `prefix`. */
export function readTls(settings: TlsSettings, prefix: string, problems: string[]): TlsConfig {
  const pem = new Pem(prefix, problems);
  const ca =
    pem.file('ssl.truststore.location', settings.truststoreLocation, CERTIFICATES, CONVERT_TRUSTSTORE) ??
    pem.text('ssl.truststore.certificates', settings.truststoreCertificates, CERTIFICATES);
  const { keystoreLocation: store, keystoreChain, keystoreKey, certificateLocation, keyLocation } = settings;
  const cert =
    pem.file('ssl.keystore.location', store, CERTIFICATES, CONVERT_KEYSTORE) ??
    pem.text('ssl.keystore.certificate.chain', keystoreChain, CERTIFICATES) ??
    pem.file('ssl.certificate.location', certificateLocation, CERTIFICATES, CONVERT_KEYSTORE);
  const key =
    (cert === undefined ? undefined : pem.file('ssl.keystore.location', store, KEYS, CONVERT_KEYSTORE)) ??
    pem.text('ssl.keystore.key', keystoreKey, KEYS) ??
    pem.file('ssl.key.location', keyLocation, KEYS, CONVERT_KEYSTORE);
  if (problems.length === 0 && (cert === undefined) !== (key === undefined)) {
    problems.push(
      `${prefix}ssl.keystore.location, or ssl.${cert === undefined ? 'certificate' : 'key'}.location, is required: a client certificate and its key belong together`,
    );
  }
  return { ca, cert, key, keyPassword: settings.keyPassword, verifyHostname: settings.verifyHostname };
}

/** True when any setting says something about TLS. */
export function saysTls(settings: TlsSettings): boolean {
  const others = TLS_MEMBERS.filter((member) => member !== 'verifyHostname');
  return !settings.verifyHostname || others.some((member) => settings[member] !== undefined);
}

/** Takes the PEM blocks of one kind out of files and texts. */
class Pem {
  readonly #prefix: string;
  readonly #problems: string[];

  constructor(prefix: string, problems: string[]) {
    this.#prefix = prefix;
    this.#problems = problems;
  }

  file(key: string, path: string | undefined, kind: RegExp, convert: string): string | undefined {
    if (path === undefined) return undefined;
    try {
      const content = readFileSync(path, 'latin1');
      if (!content.includes('-----BEGIN '))
        throw new OperatorError(`names ${path}, which is not PEM; if it is a Java key store, ${convert}`);
      return blocks(content, kind, `names ${path}, which`);
    } catch (error) {
      const message = error instanceof OperatorError ? error.message : `names ${path}, which cannot be read`;
      this.#problems.push(`${this.#prefix}${key} ${message}`);
      return undefined;
    }
  }

  text(key: string, value: string | undefined, kind: RegExp): string | undefined {
    if (value === undefined) return undefined;
    try {
      return blocks(value.replaceAll('\\n', '\n'), kind, '');
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.#problems.push(`${this.#prefix}${key} ${error.message}`);
      return undefined;
    }
  }
}

function blocks(content: string, kind: RegExp, subject: string): string {
  const found = content.match(kind);
  if (found) return `${found.join('\n')}\n`;
  throw new OperatorError(`${subject} holds no ${kind === CERTIFICATES ? 'certificate' : 'private key'} in PEM`.trim());
}
