import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRedactor } from '../../src/observe/redaction.ts';
import { openDaemon } from '../../src/worker/daemon.ts';
import { findDaemon, isServing } from '../../src/worker/daemon-file.ts';
import { loadWorkerConfig } from '../../src/worker/load-worker-config.ts';
import { readDaemon } from '../../src/worker/operate/daemon-client.ts';
import { createCertificates } from '../converter/registry/certificates.ts';
import { KeptLog } from './rest/fake-daemon.ts';

const certificates = createCertificates();

test.skipIf(certificates === undefined)('a daemon on https is asked with what its file says', async () => {
  const { signal } = new AbortController();
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-daemon-https-'));
  const connectors = join(directory, 'connectors');
  await mkdir(connectors);
  const { key = '', cert = '' } = certificates?.server ?? {};
  const env = {
    ROWCAST_LISTENERS: 'https://127.0.0.1:0',
    ROWCAST_LISTENERS_HTTPS_SSL_KEYSTORE_KEY: key,
    ROWCAST_LISTENERS_HTTPS_SSL_KEYSTORE_CERTIFICATE_CHAIN: cert + (certificates?.ca ?? ''),
    ROWCAST_REST_AUTHENTICATION: 'bearer',
    ROWCAST_REST_CREDENTIALS: 'token',
  };
  const flags = { 'connectors.dir': connectors, 'state.dir': join(directory, 'state'), 'worker.threads': '0' };
  const { config } = loadWorkerConfig({ env, flags });
  const options = { config, env, logger: new KeptLog(), redactor: createRedactor(), takeOver: false };
  {
    await using _daemon = await openDaemon(options, signal);
    const found = await findDaemon(config.stateDir);
    if (!isServing(found)) throw new Error('The daemon serves nothing');
    expect(found.url).toMatch(/^https:/);
    expect(found.certificate?.trim()).toBe(cert.trim());
    expect(await readDaemon(found, config.rest, '/connectors', signal)).toEqual([]);
    await expect(readDaemon(found, undefined, '/connectors', signal)).rejects.toThrow('answered 401');
  }
  await rm(directory, { recursive: true });
});
