import { sourceConnection } from '../../connector/connection-of.ts';
import type { ConnectorView } from '../rest/daemon-view.ts';
import { replayedPrefix } from '../settings.ts';
import type { SlotWatchOptions, WatchedConnector } from './slot-watch-options.ts';
import { lsnOf, Watching } from './watching.ts';

/** How often it is seen which slots there are to watch. */
const ROUND_MS = 1_000;

/**
 * Looks at the slot of every source that has one, every few seconds, on a connection of its own in the daemon's main thread, so that no look
 * ever waits for capture, nor capture for a look; and whether the connector runs or not, because a slot that nobody reads is the one that grows.
 */
export class SlotWatch {
  readonly #options: SlotWatchOptions;
  readonly #watched = new Map<string, Watching>();

  constructor(options: SlotWatchOptions) {
    this.#options = options;
  }

  /** Watches until `signal` aborts; resolves when every connection is closed. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#reconcile(signal);
      await this.#options.clock.sleep(ROUND_MS, signal).catch(() => {}); // aborted: the loop ends
    }
    await Promise.all([...this.#watched.values()].map((each) => each.stop()));
  }

  /** The views with what is known of slots: of a source that of its own, of a sink how far it is behind the server's WAL. */
  shownIn(views: readonly ConnectorView[]): readonly ConnectorView[] {
    if (this.#watched.size === 0) return views;
    const sources = this.#sourcesOfSinks();
    return views.map((view) => {
      const own = this.#watched.get(view.name)?.seen.view;
      if (own !== undefined) return { ...view, slot: own };
      const source = this.#watched.get(sources.get(view.name) ?? '');
      const lsn = lsnOf(view.status);
      return source === undefined || lsn === undefined ? view : { ...view, walLag: source.seen.lag(lsn) };
    });
  }

  /** By the name of each sink, the source that it replays, where that reads WAL in this daemon. */
  #sourcesOfSinks(): ReadonlyMap<string, string> {
    const wanted = [...this.#options.wanted()];
    const sources = new Map<string, string>();
    for (const each of wanted) if (each.kind === 'PostgresWalSource') sources.set(each.config.topicPrefix, each.name);
    const found = new Map<string, string>();
    for (const each of wanted) {
      const source = each.kind === 'PostgresSink' ? sources.get(replayedPrefix(each.config)) : undefined;
      if (source !== undefined) found.set(each.name, source);
    }
    return found;
  }

  #reconcile(signal: AbortSignal): void {
    const wanted = new Map<string, WatchedConnector>();
    for (const each of this.#options.wanted()) {
      if (each.kind === 'PostgresWalSource' && each.config.slotWatchIntervalMs > 0) wanted.set(each.name, each);
    }
    for (const [name, watching] of this.#watched) {
      const now = wanted.get(name);
      if (now !== undefined && isSameSlot(now, watching.connector)) watching.connector = now;
      else {
        this.#watched.delete(name);
        void watching.stop();
      }
    }
    for (const [name, connector] of wanted) {
      if (!this.#watched.has(name)) this.#watched.set(name, new Watching(connector, this.#options, signal));
    }
  }
}

function isSameSlot({ config: a }: WatchedConnector, { config: b }: WatchedConnector): boolean {
  return a.slot === b.slot && JSON.stringify(sourceConnection(a)) === JSON.stringify(sourceConnection(b));
}
