import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createServer } from 'node:net';
import { describeError, OperatorError } from '../../errors.ts';
import { Findings, type Finding } from '../../finding.ts';
import type { DaemonFile } from '../daemon-file.ts';
import { tlsOptions } from '../kafka-settings.ts';
import { listenerTls } from '../rest/listener.ts';
import type { HttpsConfig, RegistryClientConfig, RestConfig } from '../worker-config.ts';

const TIMEOUT_MS = 5_000;

/** Whether the port can be listened at, by listening for a moment; not asked for while our own daemon has it. */
export async function checkPort(rest: RestConfig, running: DaemonFile | undefined): Promise<readonly Finding[]> {
  const found = new Findings();
  const { host, port, https } = rest;
  const scheme = https ? 'https' : 'http';
  if (https !== undefined) checkTls(https, found);
  const object = `port ${host}:${port}`;
  const code = await listenOnce(host, port);
  if (code === undefined) found.ok('listeners', object, port === 0 ? 'Any free port will be taken.' : 'It is free.');
  else if (code === 'EADDRINUSE' && running?.url !== undefined && portOf(running.url) === port) {
    found.ok('listeners', object, `The daemon that runs here has it (process ${running.pid}).`);
  } else if (code === 'EADDRINUSE') {
    found.problem(
      'listeners',
      object,
      'Another process listens there.',
      `ss -ltnp 'sport = :${port}' # stop that one, or: export ROWCAST_LISTENERS=${scheme}://${bracketed(host)}:${port + 1}`,
    );
  } else if (code === 'EACCES') {
    found.problem(
      'listeners',
      object,
      'This user may not listen there.',
      `export ROWCAST_LISTENERS=${scheme}://${bracketed(host)}:8083`,
    );
  } else {
    found.problem(
      'listeners',
      object,
      `This machine does not have that address (${code}).`,
      `export ROWCAST_LISTENERS=${scheme}://127.0.0.1:${port}`,
    );
  }
  return found.all;
}

function checkTls(https: HttpsConfig, found: Findings): void {
  try {
    listenerTls(https);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    found.problem('listeners', 'certificate of listeners', `${describeError(error)}.`, error.advice);
  }
}

/** A URL does not say the port that its scheme has anyway. */
function portOf(text: string): number {
  const { port, protocol } = new URL(text);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The system's code when it fails. */
async function listenOnce(host: string, port: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Whether each of the registry's addresses answers, and lets us in. */
export async function checkRegistry(registry: RegistryClientConfig): Promise<readonly Finding[]> {
  const found = new Findings();
  for (const url of registry.urls) {
    const object = `registry ${shown(url)}`;
    const answer = await getSubjects(url, registry);
    if (typeof answer === 'string') {
      const isTls = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME|SSL/.test(answer);
      const fix = isTls ? 'Correct schema.registry.ssl.truststore.location.' : `curl -sS ${shown(url)}/subjects`;
      found.problem('registry', object, `It cannot be reached (${answer}).`, fix);
    } else if (answer === 401 || answer === 403) {
      found.problem(
        'registry',
        object,
        `It refuses the credentials (${answer}).`,
        'Correct schema.registry.basic.auth.user.info.',
      );
    } else if (answer !== 200) {
      found.problem(
        'registry',
        object,
        `It answers ${answer} to GET /subjects: that is no schema registry.`,
        'Correct schema.registry.url.',
      );
    } else found.ok('registry', object, 'It answers.');
  }
  return found.all;
}

/** Without what may be in it: user and password (Invariant 11). */
function shown(text: string): string {
  if (!URL.canParse(text)) return 'address';
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`.replace(/\/$/, '');
}

/** The status, or a text that says why there is none. */
async function getSubjects(base: string, { basicAuth, tls }: RegistryClientConfig): Promise<number | string> {
  if (!URL.canParse(base)) return 'it is not an address';
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/subjects`;
  const auth = basicAuth ?? (url.username === '' ? undefined : decodeURIComponent(`${url.username}:${url.password}`));
  url.username = url.password = '';
  const options = { timeout: TIMEOUT_MS, ...(auth !== undefined && { auth }), ...(tls && tlsOptions(tls)) };
  return await new Promise((resolve) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    request.once('timeout', () => request.destroy(new Error('timed out')));
    request.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    request.end();
  });
}
