import type { ConnectorView } from './daemon-view.ts';

/** A connector that has run this long after its last failure has recovered (milliseconds); one that fails sooner has been failing all the time. */
const CALM_MS = 10_000;

/**
 * Remembers since when connectors fail again and again: a status tells only of this moment, and between two failures a connector is starting or
 * even streams for a moment. To be shown the connectors every second or so.
 */
export class FailureMemory {
  readonly #failing = new Map<string, { readonly since: number; last: number }>();

  /** Takes note of what the connectors are doing `now` (milliseconds since 1970). */
  observe(connectors: readonly ConnectorView[], now: number): void {
    const names = new Set(connectors.map(({ name }) => name));
    for (const name of this.#failing.keys()) if (!names.has(name)) this.#failing.delete(name);
    for (const { name, status } of connectors) {
      const failing = this.#failing.get(name);
      if (status?.state === 'retrying') {
        if (failing === undefined) this.#failing.set(name, { since: now, last: now });
        else failing.last = now;
      } else if (failing !== undefined && status?.state === 'starting') {
        failing.last = now; // not yet well: it may wait for a connection for long
      } else if (failing !== undefined && (isOver(status?.state) || now - failing.last >= CALM_MS)) {
        this.#failing.delete(name);
      }
    }
  }

  /** When the failures of those connectors began that have not recovered, in milliseconds since 1970. */
  get since(): ReadonlyMap<string, number> {
    return new Map([...this.#failing].map(([name, { since }]) => [name, since]));
  }
}

function isOver(state: string | undefined): boolean {
  return state === undefined || state === 'stopped' || state === 'failed';
}
