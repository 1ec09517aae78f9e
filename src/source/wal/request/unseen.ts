import { isVisible } from '../reread.ts';

/**
 * Which transactions a snapshot has to show before rows may be read in it: those that were running when the copy was asked for, and those that
 * the stream has brought since. A commit is in the WAL before other sessions see it (F11), for as long as a synchronous standby is away.
 */
export class Unseen {
  /** Whole ids, as a snapshot lists them. */
  #awaited: ReadonlySet<string>;
  /** Ids of the stream, without their epoch. */
  readonly #streamed = new Set<number>();

  /**
   * `snapshot` was taken when nothing had been streamed yet that is not given to `streamed`; `running` are ids without epoch, because a
   * snapshot does not list those at or above its end.
   */
  constructor(snapshot: string, running: readonly number[] = []) {
    this.#awaited = new Set(runningIn(snapshot));
    for (const xid of running) this.#streamed.add(xid);
  }

  /** A transaction that the stream has brought. */
  streamed(xid: number): void {
    this.#streamed.add(xid);
  }

  /** True when the snapshot shows all of them. What one snapshot shows, later ones do too: it is not remembered any longer. */
  isShownBy(snapshot: string): boolean {
    const running = new Set(runningIn(snapshot));
    this.#awaited = new Set([...this.#awaited].filter((xid) => running.has(xid)));
    for (const xid of this.#streamed) if (isVisible(snapshot, xid)) this.#streamed.delete(xid);
    return this.#awaited.size === 0 && this.#streamed.size === 0;
  }
}

function runningIn(snapshot: string): string[] {
  return (snapshot.split(':')[2] ?? '').split(',').filter((xid) => xid !== '');
}
