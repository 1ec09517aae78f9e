import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import type { Service } from './service.ts';
import { one } from './scene.ts';

const LOOK_EVERY_MS = 2000;
/** A process that began just now has not come to what it needs. */
const SETTLED_MS = 15_000;
/** More than any process of these runs needs: four tables of files, sockets to two servers and a broker. */
const MOST_DESCRIPTORS = 250;
const MEGABYTE = 1024 * 1024;
/** Below so many seconds a slope says little: memory is collected in waves. */
const LONG_LIFE_S = 1200;
/** What a process that runs for months may not need more of with each minute. */
const MOST_GROWTH = { rss: 1, descriptors: 0.2 } as const;
/** What slots may keep: the backlog that the workload allows itself is a small part of it. */
const MOST_RETAINED_BYTES = 2048 * MEGABYTE;

/** What a process had at one moment. */
export interface Sample {
  readonly pid: number;
  /** Since the process was first seen, in seconds. */
  readonly age: number;
  readonly descriptors: number;
  readonly rssBytes: number;
}

/** Looks at the service's files and memory, and at what the slots of its source keep. */
export class Resources implements AsyncDisposable {
  readonly samples: Sample[] = [];
  mostRetainedBytes = 0;
  readonly #service: Service;
  readonly #source: ConnectionSettings;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  readonly #firstSeen = new Map<number, number>();

  constructor(service: Service, source: ConnectionSettings) {
    this.#service = service;
    this.#source = source;
    this.#loop = this.#look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const pid = this.#service.running?.pid;
      if (pid !== undefined) await this.#sample(pid).catch(() => {}); // it ended just now
      await this.#retained().catch(() => {}); // the server is being restarted
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {}); // stopped: the loop ends
    }
  }

  async #sample(pid: number): Promise<void> {
    const now = performance.now();
    const since = this.#firstSeen.get(pid) ?? now;
    this.#firstSeen.set(pid, since);
    const [files, status] = await Promise.all([openFiles(pid), readFile(`/proc/${pid}/status`, 'utf8')]);
    const rssKilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    this.samples.push({ pid, age: (now - since) / 1000, descriptors: files.length, rssBytes: rssKilobytes * 1024 });
  }

  async #retained(): Promise<void> {
    const row = await one<{ bytes: string | null }>(
      this.#source,
      /* sql */ `select max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))::text as bytes
        from pg_replication_slots where slot_name not like 'torture%'`,
    );
    this.mostRetainedBytes = Math.max(this.mostRetainedBytes, Number(row?.bytes ?? 0));
  }
}

/** What a process has open but the modules that it is being loaded from: at a start those are hundreds for a moment. */
async function openFiles(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder);
  const files = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => undefined))); // closed just now
  return files.filter((file) => file !== undefined && !/\.[cm]?js$/.test(file)) as string[];
}

/** What was needed, in a line for people, and what of it is too much. */
export function judgeResources(
  samples: readonly Sample[],
  mostRetainedBytes: number,
): { readonly line: string; readonly problems: readonly string[] } {
  const descriptors = Math.max(0, ...samples.map((each) => each.descriptors));
  const rss = Math.max(0, ...samples.map(({ rssBytes }) => rssBytes));
  const slope = slopeOf(longestLife(samples));
  const problems = [
    ...(descriptors > MOST_DESCRIPTORS ? [`The service had ${descriptors} file descriptors`] : []),
    ...(mostRetainedBytes > MOST_RETAINED_BYTES ? [`A slot has kept ${megabytes(mostRetainedBytes)}`] : []),
  ];
  if (slope !== undefined && slope.seconds > LONG_LIFE_S) {
    const { rss: memory, descriptors: files } = slope;
    if (memory > MOST_GROWTH.rss) problems.push(`The service has grown by ${memory.toFixed(1)} MB a minute`);
    if (files > MOST_GROWTH.descriptors) problems.push(`The service kept ${files.toFixed(1)} files more open a minute`);
  }
  const trend =
    slope === undefined
      ? ''
      : `, over ${Math.round(slope.seconds)} s of one process by ${slope.rss.toFixed(1)} MB and ${slope.descriptors.toFixed(1)} descriptors a minute`;
  const line = `resources: at most ${descriptors} file descriptors, ${megabytes(rss)} of memory${trend}; slots kept at most ${megabytes(mostRetainedBytes)}`;
  return { line, problems };
}

/** The samples of the process that was seen for longest, once it had settled. */
function longestLife(samples: readonly Sample[]): Sample[] {
  const lives = new Map<number, Sample[]>();
  for (const each of samples) {
    if (each.age * 1000 >= SETTLED_MS) lives.set(each.pid, [...(lives.get(each.pid) ?? []), each]);
  }
  return [...lives.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
}

/** By least squares, a minute; undefined for too few samples. */
function slopeOf(life: readonly Sample[]): { rss: number; descriptors: number; seconds: number } | undefined {
  const [first, last] = [life[0], life.at(-1)];
  if (first === undefined || last === undefined || life.length < 5) return undefined;
  const middle = life.reduce((sum, { age }) => sum + age, 0) / life.length;
  const square = life.reduce((sum, { age }) => sum + (age - middle) ** 2, 0);
  const per = (of: (sample: Sample) => number): number =>
    (60 * life.reduce((sum, each) => sum + (each.age - middle) * of(each), 0)) / square;
  return {
    rss: per(({ rssBytes }) => rssBytes / MEGABYTE),
    descriptors: per((each) => each.descriptors),
    seconds: last.age - first.age,
  };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}
