import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError, TransientError } from '../../errors.ts';
import { type OwnedDirectory, UNFINISHED } from './durable-file.ts';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** The owner touches its lock this often. */
const BEAT_MS = 2000;
/** A lock of an owner that cannot be looked at, and that was not touched for so long, is taken over. */
const ABANDONED_MS = 10_000;
/** An owner that did not get to touch its lock for so long (it was stopped, say) makes sure of it before it writes. */
const DOUBTFUL_MS = 5000;

const NAME = /^lock-(\d+)$/;

interface LockState extends ProcessIdentity {
  /** Tells the lock from others of its process; older versions wrote none. */
  readonly id?: string;
  readonly isReleased: boolean;
  /** An owner before may yet live, and nobody has kept it out so far. */
  readonly isContested?: boolean;
}

/** A lock that this process wrote. */
type OwnLock = LockState & { readonly id: string };

/** The locks that this thread has. Which of its own it has given up it knows itself: a disk that is full takes no mark. */
const held = new Set<string>();

/** The right to be the only process that has a directory open. */
export interface DirectoryLock extends OwnedDirectory {
  /**
   * True while an owner before may yet live: it cannot be looked at, and was silent. It cannot have the directory back, but it may be about to write
   * what it has open.
   */
  readonly isContested: boolean;
  /** Looks whether it is this process's still. */
  isHeld(): Promise<boolean>;
  /** As `prove`; it looks only when the owner was away for so long that somebody may have taken the lock over. */
  verify(): Promise<void>;
  /** Notes, for owners to come too, that whoever was before is kept out. */
  settle(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Locks a directory for this process. OperatorError when another process has it. A process that was killed holds nothing: its
 * pid and start time are looked at, or, where these say nothing, whether it still touches its lock.
 *
 * Locks are numbered and the highest one counts. It is never deleted before there is a higher one, so that of several
 * processes that find the same dead owner only one creates the next number, however late the others are. `subject` begins what
 * messages say: `Embedded log "/var/lib/rowcast/log" is open in process 12`.
 */
export async function lockDirectory(
  directory: string,
  signal?: AbortSignal,
  subject: string = 'Embedded log',
): Promise<DirectoryLock> {
  const own = await ownIdentity();
  for (;;) {
    signal?.throwIfAborted();
    const highest = (await lockNumbers(directory)).at(-1) ?? 0;
    const isContested = highest > 0 && (await requireAbandoned(subject, directory, highest, own, signal));
    const number = highest + 1;
    const state = { ...own, id: randomUUID(), isReleased: false, isContested };
    if (await wins(directory, number, state)) return new HeldLock(subject, directory, number, state);
  }
}

/** Creates the lock of this number. True when it is the highest one, so that it counts; then the lower ones are gone. */
async function wins(directory: string, number: number, state: OwnLock): Promise<boolean> {
  held.add(state.id); // before anybody can see it
  let isHighest = false;
  try {
    if (!(await create(directory, number, state))) return false;
    const numbers = await lockNumbers(directory);
    for (const lower of numbers) if (lower < number) await rm(pathOf(directory, lower), { force: true });
    isHighest = numbers.at(-1) === number;
    if (!isHighest) await rm(pathOf(directory, number), { force: true });
    return isHighest;
  } finally {
    if (!isHighest) held.delete(state.id);
  }
}

class HeldLock implements DirectoryLock {
  readonly path: string;
  readonly number: number;
  /** What the directory is, for messages. */
  readonly #subject: string;
  #state: OwnLock;
  readonly #timer: NodeJS.Timeout;
  #touchedAt = performance.now();
  #failure: unknown;

  constructor(subject: string, path: string, number: number, state: OwnLock) {
    this.path = path;
    this.number = number;
    this.#subject = subject;
    this.#state = state;
    this.#timer = setInterval(() => void this.#touch(), BEAT_MS);
    this.#timer.unref();
  }

  get isContested(): boolean {
    return this.#state.isContested === true;
  }

  async verify(): Promise<void> {
    if (performance.now() - this.#touchedAt > DOUBTFUL_MS) await this.#touch();
    this.#requireHeld();
  }

  async prove(): Promise<void> {
    await this.#touch();
    this.#requireHeld();
  }

  async isHeld(): Promise<boolean> {
    await this.#touch();
    return this.#failure === undefined;
  }

  async settle(): Promise<void> {
    await this.prove();
    await this.#store({ ...this.#state, isContested: false });
  }

  /**
   * Leaves the lock in place, marked as released: its number must stay known until there is a higher one. Rejects when the mark cannot be written; then
   * the lock is this process's to take again, and others wait until it has ended.
   */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    try {
      if (!(await this.isHeld())) return; // It is another's by now, or counts as abandoned when this process has ended.
      await this.#store({ ...this.#state, isReleased: true });
    } finally {
      held.delete(this.#state.id);
    }
  }

  /** A lock that was taken over meanwhile comes back with this, and does not count: its number is the lower one. */
  async #store(state: OwnLock): Promise<void> {
    const path = pathOf(this.path, this.number);
    await writeLock(`${path}${UNFINISHED}`, state);
    await rename(`${path}${UNFINISHED}`, path);
    this.#state = state;
  }

  #requireHeld(): void {
    if (this.#failure === undefined) return;
    throw new TransientError(`The lock was lost: ${this.#subject} "${this.path}"`, { cause: this.#failure });
  }

  /** Never rejects: what went wrong is told by `verify`, to whoever is about to write. */
  async #touch(): Promise<void> {
    try {
      const now = new Date();
      await utimes(pathOf(this.path, this.number), now, now);
      const highest = (await lockNumbers(this.path)).at(-1);
      if (highest !== this.number) throw new Error(`lock-${highest} is a later owner's`);
      this.#touchedAt = performance.now();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
    }
  }
}

/** Throws OperatorError while the owner has the lock; else true when it, or one before it that nobody has kept out, may yet live. */
async function requireAbandoned(
  subject: string,
  directory: string,
  number: number,
  own: ProcessIdentity,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const path = pathOf(directory, number);
  const owner = await readLock(path);
  if (owner === undefined) return false;
  const { isReleased, isContested = false } = owner;
  if (isReleased || isGivenUp(owner, own)) return isContested;
  const running = await isRunning(owner, own);
  if (running === false) return isContested;
  if (running === 'unknown' && !(await isTouched(path, signal))) return true;
  throw new OperatorError(`${subject} "${directory}" is open in process ${owner.pid} on ${owner.host}`, {
    advice: 'One process can have it open. Stop the other one, or give this one a state directory of its own.',
  });
}

/** Whether it was a lock of this very thread, which has it no more. */
function isGivenUp({ id, ...owner }: LockState, own: ProcessIdentity): boolean {
  const isOwn = (Object.keys(own) as (keyof ProcessIdentity)[]).every((key) => owner[key] === own[key]);
  return isOwn && own.start !== '' && id !== undefined && !held.has(id);
}

/** Whether the owner of a lock shows itself within the time in which every owner does. */
async function isTouched(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  const touchedAt = async (): Promise<number | undefined> =>
    await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  const before = await touchedAt();
  for (let waited = 0; waited < ABANDONED_MS; waited += BEAT_MS / 4) {
    await sleep(BEAT_MS / 4, undefined, signal && { signal });
    if ((await touchedAt()) !== before) return true;
  }
  return false;
}

/** Creates the lock of this number with all of its content at once; false when it exists. */
async function create(directory: string, number: number, state: LockState): Promise<boolean> {
  const draft = join(directory, `lock-${randomUUID()}${UNFINISHED}`);
  await writeLock(draft, state);
  try {
    await link(draft, pathOf(directory, number));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function lockNumbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  const numbers = names.map((name) => Number(NAME.exec(name)?.[1] ?? 0)).filter((number) => number > 0);
  return numbers.sort((a, b) => a - b);
}

function pathOf(directory: string, number: number): string {
  return join(directory, `lock-${number}`);
}

async function writeLock(path: string, state: LockState): Promise<void> {
  await writeFile(path, `${JSON.stringify(state)}\n`);
}

/** Undefined when the file is gone, or empty after a power loss: then its owner is gone too. */
async function readLock(path: string): Promise<LockState | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  try {
    return JSON.parse(text) as LockState;
  } catch {
    return undefined;
  }
}
