import type { ConnectorView } from './daemon-view.ts';

/** A connector that has run this long after its last failure has recovered (milliseconds); one that fails sooner has been failing all the time. */
const CALM_MS = 10_000;

/**
 * Remembers since when connectors fail again and again: a status tells only of this moment, and between two failures a connector is starting or
 * even streams for a moment. To be shown the connectors every second or so.
 */
export class FailureMemory {
  readonly #failing = new Map<string, { readonly since: number; readonly last: number }>();

  /** Takes note of what the connectors are doing `now` (milliseconds since 1970). */
  observe(connectors: readonly ConnectorView[], now: number): void {
    const names = new Set(connectors.map(({ name }) => name));
    for (const name of this.#failing.keys()) if (!names.has(name)) this.#failing.delete(name);
    for (const view of connectors) this.#observe(view, now);
  }

  /** When the failures of those connectors began that have not recovered, in milliseconds since 1970. */
  get since(): ReadonlyMap<string, number> {
    return new Map([...this.#failing].map(([name, { since }]) => [name, since]));
  }

  #observe({ name, status, problems }: ConnectorView, now: number): void {
    const failing = this.#failing.get(name);
    const state = status?.state;
    // One that is wanted and has no status waits to be started: until its predecessor has stopped, say.
    const isFailing = state === 'retrying' || (state === undefined && problems.length === 0);
    if (isFailing || (state === 'starting' && failing !== undefined)) {
      this.#failing.set(name, { since: failing?.since ?? now, last: now });
    } else if (failing !== undefined && (!isRunning(state) || now - failing.last >= CALM_MS)) {
      this.#failing.delete(name);
    }
  }
}

function isRunning(state: string | undefined): boolean {
  return state === 'snapshot' || state === 'streaming';
}
