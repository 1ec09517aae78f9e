import type { Clock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import type { Scheduler } from './scheduler.ts';

/** What happens to a request: see `Process.call`. */
export type Fate = 'answered' | 'lost' | 'unanswered' | 'late';

/** How a call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly fate?: Fate;
  /** Requests of one connection: applied in the order in which they were sent. */
  readonly chain?: (() => void)[];
}

/**
 * One operating system process: everything that its code awaits comes through here. When it is dead nothing answers it any
 * more, when it is frozen the answers wait; what it has sent lives on without it.
 */
export class Process {
  readonly scheduler: Scheduler;
  readonly id: number;
  readonly name: string;
  state: 'running' | 'frozen' | 'dead' = 'running';
  /** A newer process was started in its place. */
  replaced = false;
  #inbox: (() => void)[] = [];
  #aborts = new WeakMap<AbortSignal, Set<() => void>>();

  constructor(scheduler: Scheduler, id: number, name: string) {
    this.scheduler = scheduler;
    this.id = id;
    this.name = name;
  }

  kill(): void {
    this.state = 'dead';
    this.#inbox = [];
  }

  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }

  wake(): void {
    if (this.state !== 'frozen') return;
    this.state = 'running';
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const action of inbox) this.scheduler.post('thaw', this.id, () => this.run(action));
  }

  /** Runs `action` inside this process: now, when it wakes up, or never. */
  run(action: () => void): void {
    if (this.state === 'running') action();
    else if (this.state === 'frozen') this.#inbox.push(action);
  }

  /**
   * Sends a request: `apply` runs on the server's side (never, when it is lost), its result or error comes back (unless it is
   * unanswered: then the caller sees a broken connection). Late: the caller sees that too, and `apply` runs at any later time.
   */
  call<T>(kind: string, apply: () => T, options: CallOptions = {}): Promise<T> {
    return this.converse<T>(
      kind,
      (resolve, reject) => {
        let result: T;
        try {
          result = apply();
        } catch (error) {
          return reject(error);
        }
        resolve(result);
      },
      options,
    );
  }

  /** As `call`, for a server that answers when it likes: `serve` gets what to call with the answer. */
  converse<T>(
    kind: string,
    serve: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
    { signal, fate = 'answered', chain }: CallOptions = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const { scheduler, id } = this;
      let open = true;
      const settle = (action: () => void): void => {
        if (!open) return;
        open = false;
        if (signal) this.#aborts.get(signal)?.delete(abort);
        action();
      };
      const abort = (): void => settle(() => reject(signal?.reason));
      if (signal) this.#onAbort(signal, abort);
      const answer = (action: () => void): void =>
        scheduler.post(`${kind} answer`, id, () => this.run(() => settle(action)));
      const fail = (): void => answer(() => reject(new TransientError(`Connection lost during ${kind}`)));
      const request =
        fate === 'answered'
          ? () =>
              serve(
                (value) => answer(() => resolve(value)),
                (error) => answer(() => reject(error)),
              )
          : () => serve(ignore, ignore);
      if (fate !== 'answered') fail();
      if (fate === 'lost') return;
      if (fate === 'late') scheduler.postLate(`${kind} late`, id, request);
      else if (chain === undefined) scheduler.post(kind, id, request);
      else {
        chain.push(request);
        scheduler.post(kind, id, () => chain.shift()?.());
      }
    });
  }

  /** This process's clock. */
  readonly clock: Clock = {
    now: () => this.scheduler.now,
    monotonic: () => this.scheduler.now,
    sleep: (ms, signal) => this.#sleep(ms, signal),
  };

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = (): void => {
        timer.cancelled = true;
        this.#aborts.get(signal)?.delete(abort);
        reject(signal.reason);
      };
      const timer = this.scheduler.timer(ms, 'sleep', this.id, () =>
        this.run(() => {
          this.#aborts.get(signal)?.delete(abort);
          resolve();
        }),
      );
      this.#onAbort(signal, abort);
    });
  }

  /** One listener per signal: an event target with many listeners is what a run would spend its time on. */
  #onAbort(signal: AbortSignal, action: () => void): void {
    let actions = this.#aborts.get(signal);
    if (actions === undefined) {
      const set = new Set<() => void>();
      signal.addEventListener('abort', () => {
        for (const abort of set) abort();
      });
      this.#aborts.set(signal, (actions = set));
    }
    actions.add(action);
  }
}

function ignore(): void {}
