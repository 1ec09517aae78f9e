import type { ConnectorView } from './daemon-view.ts';

/** A connector that has run this long after its last failure has recovered (milliseconds), as its supervisor sees it too. */
const STEADY_MS = 30_000;

/**
 * Remembers for how long connectors fail again and again: a status tells only of this moment, and between two failures a connector is starting,
 * or even streams for a while. To be shown the connectors every second or so.
 */
export class FailureMemory {
  readonly #failing = new Map<string, { readonly first: number; readonly last: number }>();

  /** Takes note of what the connectors are doing `now`: milliseconds by a clock that nobody sets, or a machine whose clock is put right would look unwell. */
  observe(connectors: readonly ConnectorView[], now: number): void {
    const names = new Set(connectors.map(({ name }) => name));
    for (const name of this.#failing.keys()) if (!names.has(name)) this.#failing.delete(name);
    for (const view of connectors) this.#observe(view, now);
  }

  /** How long ago the failures of those connectors began that have not recovered, in milliseconds. */
  ages(now: number): ReadonlyMap<string, number> {
    return new Map([...this.#failing].map(([name, { first }]) => [name, now - first]));
  }

  /**
   * How long the failures of those connectors last that have not recovered, in milliseconds: from the first to the last one, so that a
   * single one that is over counts for nothing.
   */
  get durations(): ReadonlyMap<string, number> {
    return new Map([...this.#failing].map(([name, { first, last }]) => [name, last - first]));
  }

  #observe({ name, status, problems, rests }: ConnectorView, now: number): void {
    const failing = this.#failing.get(name);
    const state = rests === undefined ? status?.state : 'stopped';
    // One that is wanted and has no status waits to be started: until its predecessor has stopped, say.
    const isFailing = state === 'retrying' || (state === undefined && problems.length === 0);
    if (isFailing || (state === 'starting' && failing !== undefined)) {
      this.#failing.set(name, { first: failing?.first ?? now, last: now });
    } else if (failing !== undefined && (!isRunning(state) || now - failing.last >= STEADY_MS)) {
      this.#failing.delete(name);
    }
  }
}

function isRunning(state: string | undefined): boolean {
  return state === 'snapshot' || state === 'streaming';
}
