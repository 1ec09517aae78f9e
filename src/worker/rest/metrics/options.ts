import type { DaemonView } from '../daemon-view.ts';
import type { Health } from '../health.ts';

/** What metrics are made of. */
export interface MetricsOptions {
  readonly view: DaemonView;
  readonly judgeNow: () => Health;
  /** Since when those connectors fail again and again that have not recovered, in milliseconds since 1970. */
  readonly failingSince: () => ReadonlyMap<string, number>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
