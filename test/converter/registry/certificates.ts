import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A test authority, and a server's and a client's certificate from it; PEM texts. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly key: string; readonly cert: string };
  readonly client: { readonly key: string; readonly cert: string };
}

/** The server is called 127.0.0.1, not localhost. Undefined where there is no openssl. */
export function createCertificates(): Certificates | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'rowcast-registry-tls-'));
  const file = (name: string): string => join(directory, name);
  const read = (name: string): string => readFileSync(file(name), 'utf8');
  const openssl = (...args: readonly string[]): unknown => execFileSync('openssl', args, { stdio: 'ignore' });
  const create = (name: string, subject: string, ...more: readonly string[]): void => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file(`${name}.key`)];
    openssl('req', ...key, '-subj', `/CN=${subject}`, ...more);
  };
  const sign = (name: string): void => {
    const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
    openssl(
      'x509',
      '-req',
      '-in',
      file(`${name}.csr`),
      '-extfile',
      file('san'),
      '-out',
      file(`${name}.pem`),
      ...authority,
    );
  };
  try {
    writeFileSync(file('san'), 'subjectAltName=IP:127.0.0.1\n');
    create('ca', 'rowcast test authority', '-x509', '-days', '2', '-out', file('ca.pem'));
    for (const name of ['server', 'client']) {
      create(name, name, '-out', file(`${name}.csr`));
      sign(name);
    }
    const pair = (name: string): { key: string; cert: string } => ({
      key: read(`${name}.key`),
      cert: read(`${name}.pem`),
    });
    return { ca: read('ca.pem'), server: pair('server'), client: pair('client') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
