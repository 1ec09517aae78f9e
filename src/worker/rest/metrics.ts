import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { DaemonView } from './daemon-view.ts';
import { addConnectorMetrics } from './metrics/connector-metrics.ts';
import type { MetricsOptions } from './metrics/options.ts';
import { addSinkMetrics } from './metrics/sink-metrics.ts';
import { addSlotMetrics } from './metrics/slot-metrics.ts';
import { addSourceMetrics } from './metrics/source-metrics.ts';

export type { MetricsOptions } from './metrics/options.ts';

/** What a scrape shows. Labels are names of connectors, a bounded number of tables and closed words, so their number is bounded by the files. */
export interface Metrics {
  readonly contentType: string;
  /** The page in Prometheus's text format, of this moment. */
  page(): Promise<string>;
}

/** Metrics of the daemon, its connectors and its process. Counters are those of the statuses: nothing is counted twice, or when nobody asks. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { view, now } = options;
  const registry = new Registry();
  addProcess(registry);
  addDaemon(registry, view);
  addConnectorMetrics(registry, options);
  addSourceMetrics(registry, view, now);
  addSinkMetrics(registry, view);
  addSlotMetrics(registry, view);
  return { contentType: registry.contentType, page: () => registry.metrics() };
}

/**
 * Under prom-client's own names, without a prefix: every dashboard for Node.js knows them. Left out are those that end in `_total` and count
 * nothing, which promtool objects to.
 */
function addProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const what of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${what}_total`);
}

function addDaemon(registry: Registry, view: DaemonView): void {
  const info = {
    name: 'rowcast_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'nodejs'],
  };
  new Gauge({ ...info, registers: [registry] }).set({ version: view.version, nodejs: process.versions.node }, 1);
  const ready = { name: 'rowcast_ready', help: 'Whether all connectors were started.', registers: [registry] };
  new Gauge({
    ...ready,
    collect() {
      this.set(view.isReady ? 1 : 0);
    },
  });
}
