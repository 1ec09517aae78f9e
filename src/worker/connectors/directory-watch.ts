import { type FSWatcher, watch } from 'node:fs';

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
    if (!this.#hasChanged) await this.#pause(ms, signal);
    if (this.#hasChanged) await this.#pause(SETTLE_MS, signal, false);
    this.#hasChanged = false;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }

  /** By hand, because of AbortSignal.any: in a daemon's life it would collect a listener at every look. */
  async #pause(ms: number, signal: AbortSignal, endsByChange: boolean = true): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (endsByChange) this.#wake = end;
    });
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
