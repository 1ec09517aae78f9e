import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failPoint } from '../failpoint.ts';

/** Where the daemon of a state directory can be asked; `<state>/daemon.json` while it runs. */
export interface DaemonFile {
  readonly pid: number;
  /** Undefined when it serves nothing. */
  readonly url: string | undefined;
  /** The certificate that it shows at an https `url`, as PEM: who asks it there accepts this one and no other. */
  readonly certificate?: string;
  readonly version: string;
  /** Random; who can read this file may read rows, even where the REST API asks nobody who they are. */
  readonly key: string;
}

/** One that can be asked. */
export type ServingDaemon = DaemonFile & { readonly url: string };

/** Whether there is a daemon, and it serves something. */
export function isServing(daemon: DaemonFile | undefined): daemon is ServingDaemon {
  return daemon?.url !== undefined;
}

const NAME = 'daemon.json';

/** Says that this process is the daemon of the state directory; disposing of it takes it back. */
export async function writeDaemonFile(stateDirectory: string, daemon: DaemonFile): Promise<AsyncDisposable> {
  const path = join(stateDirectory, NAME);
  await rm(`${path}.next`, { force: true });
  await writeFile(`${path}.next`, `${JSON.stringify(daemon)}\n`, { mode: 0o600 });
  failPoint('worker.file-written');
  await rename(`${path}.next`, path);
  failPoint('worker.file-named');
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** The daemon that runs on a state directory; undefined when none does: the file of one that was killed stays behind. */
export async function findDaemon(stateDirectory: string): Promise<DaemonFile | undefined> {
  const text = await readFile(join(stateDirectory, NAME), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const daemon = JSON.parse(text) as DaemonFile;
  return isAlive(daemon.pid) ? daemon : undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
