import type { Registry } from 'prom-client';
import type { SinkStatus } from '../../status.ts';
import type { DaemonView } from '../daemon-view.ts';
import { MetricFamily } from './samples.ts';
import { addWorkMetrics, operationsOf } from './task-metrics.ts';

/** Metrics of sinks. A connector is one task so far, number 0, as in Connect. */
export function addSinkMetrics(registry: Registry, view: DaemonView): void {
  const sinks = new MetricFamily<SinkStatus>(
    registry,
    ['connector', 'task'],
    ({ name }) => ({ connector: name, task: '0' }),
    () => view.connectors().flatMap(({ status }) => (status?.kind === 'sink' ? [status] : [])),
  );
  sinks.counter(
    { name: 'rowcast_sink_changes_total', help: 'Row changes committed in the target.', labels: ['operation'] },
    ({ counts: { changes } }, set) => {
      for (const [operation, count] of Object.entries(operationsOf(changes))) set(count, { operation });
    },
  );
  sinks.counter({ name: 'rowcast_sink_commits_total', help: 'Target transactions committed.' }, ({ counts }, set) =>
    set(counts.commits),
  );
  sinks.gauge(
    { name: 'rowcast_sink_lag_seconds', help: 'How long transactions take from source to replica.' },
    ({ lagMs }, set) => set(lagMs === undefined ? undefined : lagMs / 1000),
  );
  sinks.gauge(
    { name: 'rowcast_sink_consistent', help: 'Whether the target shows a state of the source.' },
    ({ counts }, set) => set(counts.consistent ? 1 : 0),
  );
  sinks.gauge(
    { name: 'rowcast_sink_partial_tables', help: 'How many tables lack rows in the target until they are copied.' },
    ({ counts }, set) => set(counts.partial.length),
  );
  addWorkMetrics(sinks, {
    prefix: 'rowcast_sink',
    tables: 'Row changes committed in the target, by table.',
    batch: 'a target transaction',
    queue: 'Bytes of records that were fetched since the last commit in the target.',
  });
}
