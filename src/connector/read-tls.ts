import { OperatorError } from '../errors.ts';
import { readPemFile } from '../regular-file.ts';
import type { TlsConfig } from './client-config.ts';
import { CONVERT_KEYSTORE, CONVERT_TRUSTSTORE, TLS_MEMBERS, type TlsSettings } from './tls-settings.ts';

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const KEYS = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[\s\S]*?-----END ([A-Z]+ )?PRIVATE KEY-----/g;

/** Whether what settings name is looked at: a config may come from one who must not learn which files there are, or have them opened. */
export type Files = 'read' | 'left alone';

/**
 * Reads the PEM files that the settings name, unless they are left alone: then the contents are empty, and nothing is said of them. What is
 * wrong goes to `problems`, each begun with its key below `prefix`.
 */
export function readTls(settings: TlsSettings, prefix: string, problems: string[], files: Files): TlsConfig {
  const pem = new Pem(prefix, problems, files);
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
      `${prefix}ssl.keystore.location, or ssl.${cert === undefined ? 'certificate' : 'key'}.location, is required: a certificate and its key belong together`,
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
  readonly #files: Files;

  constructor(prefix: string, problems: string[], files: Files) {
    this.#prefix = prefix;
    this.#problems = problems;
    this.#files = files;
  }

  file(key: string, path: string | undefined, kind: RegExp, convert: string): string | undefined {
    if (path === undefined) return undefined;
    if (this.#files === 'left alone') return '';
    try {
      const content = readPemFile(path);
      if (!content.includes('-----BEGIN '))
        throw new OperatorError(`is not PEM; if it is a Java key store, ${convert}`);
      return blocks(content, kind);
    } catch (error) {
      const message = error instanceof OperatorError ? error.message : 'cannot be read';
      this.#problems.push(`${this.#prefix}${key} names ${path}, which ${message}`);
      return undefined;
    }
  }

  text(key: string, value: string | undefined, kind: RegExp): string | undefined {
    if (value === undefined) return undefined;
    try {
      return blocks(value.replaceAll('\\n', '\n'), kind);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.#problems.push(`${this.#prefix}${key} ${error.message}`);
      return undefined;
    }
  }
}

function blocks(content: string, kind: RegExp): string {
  const found = content.match(kind);
  if (found) return `${found.join('\n')}\n`;
  throw new OperatorError(`holds no ${kind === CERTIFICATES ? 'certificate' : 'private key'} in PEM`);
}
