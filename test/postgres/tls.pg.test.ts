import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/servers/postgres-server.ts';
import { describeError, OperatorError } from '../../src/errors.ts';
import { connect } from '../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { createCertificates } from '../converter/registry/certificates.ts';
import { eventually } from '../pipeline/replication.ts';

const certificates = createCertificates();
const strange = createCertificates();
/** By its certificate, by SCRAM over TLS only, and everybody else as before. */
const HBA = `
hostssl all client 127.0.0.1/32 cert
hostssl all scram 127.0.0.1/32 scram-sha-256
hostnossl all scram 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
`;

describe.skipIf(certificates === undefined)('a server with TLS', () => {
  let server: PostgresServer;
  let directory: string;
  const file = (name: string): string => join(directory, name);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rowcast-postgres-tls-'));
    await writeFile(file('ca.pem'), certificates?.ca ?? '');
    await writeFile(file('strange.pem'), strange?.ca ?? '');
    await writeFile(file('client.pem'), certificates?.client.cert ?? '');
    await writeFile(file('client.key'), certificates?.client.key ?? '', { mode: 0o600 });
    server = await startPostgres();
    const { uid, gid } = await stat(join(server.directory, 'pg_hba.conf'));
    const own = async (name: string, content: string): Promise<void> => {
      const path = join(server.directory, name);
      await writeFile(path, content, { mode: 0o600 });
      await chown(path, uid, gid);
    };
    await own('server.crt', certificates?.server.cert ?? '');
    await own('server.key', certificates?.server.key ?? '');
    await own('root.crt', certificates?.ca ?? '');
    await own('pg_hba.conf', HBA);
    const admin = await connect(server.settings(), 'rowcast test');
    await admin.query(`create role client login replication`);
    await admin.query(`set password_encryption = 'scram-sha-256'; create role scram login password 'canary'`);
    await admin.query(`alter system set ssl_ca_file = 'root.crt'`);
    await admin.query('alter system set ssl = on');
    await admin.query('select pg_reload_conf()');
    await eventually(async () => (await admin.query('show ssl')).rows[0]?.ssl === 'on', 'TLS to be on');
    await admin.end();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  /** With the authority that made the server's certificate, as the role that has a password. */
  function settings(more: Partial<ConnectionSettings> = {}): ConnectionSettings {
    const login = { user: 'scram', password: 'canary', sslmode: 'verify-full', sslrootcert: file('ca.pem') } as const;
    return { ...server.settings(), ...login, ...more };
  }

  /** What the server says of the connection: its TLS, and who showed a certificate. */
  async function facts(of: ConnectionSettings, extra = {}): Promise<unknown> {
    const client = await connect(of, 'rowcast test', extra);
    const { rows } = await client.query('select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()');
    await client.end();
    return rows[0];
  }

  async function refusal(of: ConnectionSettings): Promise<string> {
    const error: unknown = await connect(of, 'rowcast test').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OperatorError);
    expect(describeError(error)).not.toContain('canary');
    return describeError(error);
  }

  test('is believed in verify-full by its authority and its name', async () => {
    expect(await facts(settings())).toEqual({ ssl: true, client_dn: null });
    expect(await refusal(settings({ sslrootcert: file('strange.pem') }))).toMatch(/certificate/);
    expect(await refusal(settings({ host: 'localhost' }))).toMatch(/certificate/i);
    expect(await refusal({ ...settings(), sslrootcert: undefined } as never)).toMatch(/certificate/);
  });

  test('is believed in verify-ca by its authority alone, and in require with one as in libpq', async () => {
    for (const sslmode of ['verify-ca', 'require'] as const) {
      expect(await facts(settings({ sslmode, host: 'localhost' }))).toMatchObject({ ssl: true });
      expect(await refusal(settings({ sslmode, sslrootcert: file('strange.pem') }))).toMatch(/certificate/);
    }
  });

  test('lets a role in by SCRAM, not with another password, and not without TLS', async () => {
    const admin = await connect(server.settings(), 'rowcast test');
    const { rows } = await admin.query(`select rolpassword from pg_authid where rolname = 'scram'`);
    await admin.end();
    expect(rows[0]?.rolpassword).toMatch(/^SCRAM-SHA-256\$/);
    expect(await facts(settings())).toMatchObject({ ssl: true });
    expect(await refusal(settings({ password: 'canary2' }))).toMatch(/password authentication failed/);
    expect(await refusal(settings({ sslmode: 'disable' }))).toMatch(/pg_hba|reject/);
  });

  test('lets a role in by its client certificate, also to replicate', async () => {
    const { password: _, ...certified } = settings({
      user: 'client',
      sslcert: file('client.pem'),
      sslkey: file('client.key'),
    });
    expect(await facts(certified)).toEqual({ ssl: true, client_dn: '/CN=client' });
    expect(await facts(certified, { replication: 'database' })).toMatchObject({ client_dn: '/CN=client' });
    const { sslcert: _cert, sslkey: _key, ...bare } = certified;
    expect(await refusal(bare)).toMatch(/certificate/);
    expect(await refusal({ ...certified, user: 'postgres' })).toContain(
      'the server asks for a password, and there is none',
    );
  });

  test('is asked with files that can be read, or the file is named', async () => {
    const missing = file('missing.pem');
    expect(await refusal(settings({ sslrootcert: missing }))).toContain(`Cannot read sslrootcert "${missing}"`);
    expect(await readFile(file('ca.pem'), 'utf8')).toContain('BEGIN CERTIFICATE');
  });
});
