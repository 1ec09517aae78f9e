import { chmod, chown, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../../src/servers/postgres-server.ts';

/** A primary and its standby; both are gone when disposed of. */
export interface StandbyPair extends AsyncDisposable {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Starts the standby, which has been stopped, where the primary was, which has been stopped too. It is no primary yet. */
  takePlace(): Promise<PostgresServer>;
}

export interface StandbyOptions {
  /** Where the programs of both are; the embedded ones when absent. */
  readonly binaries?: string | undefined;
  readonly primary?: Readonly<Record<string, string>>;
  readonly standby?: Readonly<Record<string, string>>;
  /** What the standby asks of the primary besides who it is. */
  readonly conninfo?: string;
}

/** Starts a primary, and a standby that is a copy of its files. */
export async function startStandby(options: StandbyOptions = {}): Promise<StandbyPair> {
  const programs = options.binaries === undefined ? {} : { binaries: options.binaries };
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-standby-'));
  await chmod(directory, 0o755);
  const [mine, theirs] = [join(directory, 'primary'), join(directory, 'standby')];
  // What makes the data directories may be another user than this one.
  const primary = await startPostgres({
    ...programs,
    directory: mine,
    settings: { max_standby_streaming_delay: '-1', ...options.primary },
  });
  const running = [primary];
  const dispose = async (): Promise<void> => {
    for (const server of running.reverse()) await server.stop('immediate');
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await primary.stop();
    await cp(mine, theirs, { recursive: true, preserveTimestamps: true });
    await own(mine, theirs);
    await primary.start();
    const { host, port, user, password } = primary.settings();
    const info = `host=${host} port=${port} user=${user} password=${password} ${options.conninfo ?? ''}`;
    await writeFile(join(theirs, 'standby.signal'), '');
    const settings = { hot_standby: 'on', hot_standby_feedback: 'on', ...options.standby };
    const standby = await startPostgres({
      ...programs,
      directory: theirs,
      settings: { ...settings, primary_conninfo: info },
    });
    running.push(standby);
    return {
      primary,
      standby,
      async takePlace() {
        const heir = await startPostgres({ ...programs, directory: theirs, port: primary.port });
        running.push(heir);
        return heir;
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function own(like: string, root: string): Promise<void> {
  const { uid, gid } = await stat(join(like, 'PG_VERSION'));
  await chmod(root, 0o700);
  await chown(root, uid, gid);
  for (const name of await readdir(root, { recursive: true })) await chown(join(root, name), uid, gid);
}
