import { visibleIn } from '../visibility.ts';

/**
 * Which transactions a snapshot has to show before rows may be read in it: those that were running when the copy was asked for, and those that
 * the stream has brought since. A commit is in the WAL before other sessions see it (F11), for as long as a synchronous standby is away.
 */
export class Unseen {
  /** Lower 32 bits of their ids. */
  readonly #xids: Set<number>;

  /** `running` were running when nothing had been streamed yet that is not given to `streamed`. */
  constructor(running: readonly number[]) {
    this.#xids = new Set(running);
  }

  /** A transaction that the stream has brought. */
  streamed(xid: number): void {
    this.#xids.add(xid);
  }

  /** True when the snapshot shows all of them. What one snapshot shows, later ones do too: it is not remembered any longer. */
  isShownBy(snapshot: string): boolean {
    const isVisible = visibleIn(snapshot);
    for (const xid of this.#xids) if (isVisible(xid)) this.#xids.delete(xid);
    return this.#xids.size === 0;
  }
}
