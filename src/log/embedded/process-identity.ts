import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';

/** Which process holds something, told apart from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly thread: number;
  readonly host: string;
  /** When the process began, in clock ticks since the boot; '' where the system does not say (no /proc). */
  readonly start: string;
  /** This boot of the machine, and the namespace that pids are counted in (a container has its own); '' where unknown. */
  readonly boot: string;
  readonly namespace: string;
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  return {
    pid: process.pid,
    thread: threadId,
    host: hostname(),
    start: (await startOf(process.pid)) ?? '',
    boot: (await orUndefined(readFile('/proc/sys/kernel/random/boot_id', 'utf8')))?.trim() ?? '',
    namespace: (await orUndefined(readlink('/proc/self/ns/pid'))) ?? '',
  };
}

/** Whether `other` still runs; 'unknown' when its pid says nothing here (another machine, container or thread). */
export async function isRunning(other: ProcessIdentity, own: ProcessIdentity): Promise<boolean | 'unknown'> {
  if (other.host !== own.host || other.boot !== own.boot || other.namespace !== own.namespace) return 'unknown';
  if (other.boot === '') return exists(other.pid) ? 'unknown' : false;
  if ((await startOf(other.pid)) !== other.start) return false;
  return other.pid === own.pid && other.thread !== own.thread ? 'unknown' : true;
}

/**
 * When a process began; undefined when there is none, also when it is dead but its parent has not yet asked how it ended.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await orUndefined(readFile(`/proc/${pid}/stat`, 'utf8'));
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return state === undefined || state === 'Z' || state === 'X' ? undefined : fields[18];
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What a system without /proc does not have is absent, not an error. */
async function orUndefined(text: Promise<string>): Promise<string | undefined> {
  return await text.catch(() => undefined);
}
