import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The kernel counts CPU time in these. */
const TICKS_PER_SECOND = 100;
const LOOK_EVERY_MS = 20;

/** CPU-seconds that a process has used, all its threads together; undefined when there is no such process. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // a name may hold anything
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The most that a process ever had in memory, in bytes; undefined when there is no such process. */
export function peakBytes(pid: number): number | undefined {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

interface Watched {
  readonly name: string;
  first: number;
  last: number;
}

/** What processes use between a start and an end, also of those that end by themselves; of several of one name the sum. */
export class CpuMeter implements Disposable {
  readonly #watched = new Map<number, Watched>();
  readonly #over = new AbortController();

  constructor() {
    void this.#watch();
  }

  /** Counts from now on, or with `fromBirth` what it has used before as well. */
  add(name: string, pid: number | null | undefined, fromBirth: boolean = false): void {
    if (pid === null || pid === undefined || this.#watched.has(pid)) return;
    const now = cpuSeconds(pid) ?? 0;
    this.#watched.set(pid, { name, first: fromBirth ? 0 : now, last: now });
  }

  /** Everything counts from now on only. */
  reset(): void {
    this.#look();
    for (const each of this.#watched.values()) each.first = each.last;
  }

  /** CPU-seconds by name, up to now. */
  seconds(): Record<string, number> {
    this.#look();
    const sums: Record<string, number> = {};
    for (const { name, first, last } of this.#watched.values()) sums[name] = (sums[name] ?? 0) + last - first;
    return sums;
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }

  #look(): void {
    for (const [pid, each] of this.#watched) each.last = cpuSeconds(pid) ?? each.last;
  }

  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      this.#look();
      await sleep(LOOK_EVERY_MS, undefined, { ref: false });
    }
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // it has ended
  }
}
