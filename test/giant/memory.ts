import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 100;

/** The kernel's own high-water mark of a process's memory, read until the process ends: no peak lies between two looks. */
export class PeakMemory {
  readonly #limitBytes: number;
  #peak = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The most that any process that was watched ever had in memory, in bytes. */
  get bytes(): number {
    return this.#peak;
  }

  /** Watches a process until it ends; kills it above the limit, as a container would. */
  async watch(pid: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const bytes = highWater(pid);
      if (bytes === undefined) return;
      this.#peak = Math.max(this.#peak, bytes);
      if (bytes > this.#limitBytes) {
        process.kill(pid, 'SIGKILL');
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  get isExceeded(): boolean {
    return this.#peak > this.#limitBytes;
  }
}

/** Undefined when there is no such process any more. */
function highWater(pid: number): number | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined; // it has ended
  }
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
