import { chmod, chown, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '../../src/servers/postgres-server.ts';

/** A primary and its standby; both are gone when disposed of. */
export interface StandbyPair extends AsyncDisposable {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
}

/** Starts a primary, and a standby that is a copy of its files. */
export async function startStandby(): Promise<StandbyPair> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-standby-'));
  await chmod(directory, 0o755);
  const [mine, theirs] = [join(directory, 'primary'), join(directory, 'standby')];
  // What makes the data directories may be another user than this one.
  const primary = await startPostgres({ directory: mine, settings: { max_standby_streaming_delay: '-1' } });
  try {
    await primary.stop();
    await cp(mine, theirs, { recursive: true, preserveTimestamps: true });
    await own(mine, theirs);
    await primary.start();
    const { host, port, user, password } = primary.settings();
    const info = `host=${host} port=${port} user=${user} password=${password}`;
    await writeFile(join(theirs, 'standby.signal'), '');
    const standby = await startPostgres({
      directory: theirs,
      settings: { primary_conninfo: info, hot_standby: 'on', hot_standby_feedback: 'on' },
    });
    return {
      primary,
      standby,
      async [Symbol.asyncDispose]() {
        await standby.stop('immediate');
        await primary.stop('immediate');
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await primary.stop('immediate');
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function own(like: string, root: string): Promise<void> {
  const { uid, gid } = await stat(join(like, 'PG_VERSION'));
  await chmod(root, 0o700);
  await chown(root, uid, gid);
  for (const name of await readdir(root, { recursive: true })) await chown(join(root, name), uid, gid);
}
