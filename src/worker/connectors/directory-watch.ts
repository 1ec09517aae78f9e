import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Files come in several steps (create, write, rename): what follows this soon is the same change. */
const SETTLE_MS = 100;

/** Waits for something to happen in a directory. The system's notice is a shortcut only: callers look again after a while anyway. */
export class DirectoryWatch implements Disposable {
  readonly #watcher: FSWatcher | undefined;
  #hasChanged = false;
  #wake: () => void = () => {};

  constructor(directory: string) {
    this.#watcher = watchOrNot(directory);
    this.#watcher?.on('change', () => {
      this.#hasChanged = true;
      this.#wake();
    });
    this.#watcher?.on('error', () => this.#watcher?.close()); // no more notices (the directory was moved away): looking goes on
  }

  /** Resolves shortly after a change since the last call, at the latest after `ms`, and when `signal` aborts. */
  async next(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged) {
      const waking = new AbortController();
      this.#wake = () => waking.abort();
      await slept(ms, AbortSignal.any([signal, waking.signal]));
    }
    if (this.#hasChanged) await slept(SETTLE_MS, signal);
    this.#hasChanged = false;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }
}

/** Undefined where the system gives no notices (network mounts, no watches left). */
function watchOrNot(directory: string): FSWatcher | undefined {
  try {
    return watch(directory, { persistent: false });
  } catch {
    return undefined;
  }
}

async function slept(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {}); // woken or aborted: the caller looks
}
