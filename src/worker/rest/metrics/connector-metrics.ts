import type { Registry } from 'prom-client';
import type { ConnectorState, ConnectorStatus, FailureKind } from '../../status.ts';
import type { ConnectorView } from '../daemon-view.ts';
import { stateOf } from '../connect-shapes.ts';
import type { MetricsOptions } from './options.ts';
import { MetricFamily } from './samples.ts';

const STATES = ['starting', 'snapshot', 'streaming', 'paused', 'retrying', 'failed', 'stopped'] as const;
/** Failures after which a connector is tried again at once. */
const RETRIED: readonly FailureKind[] = ['transient', 'unknown', 'refused'];

const byName = ({ name }: { readonly name: string }): Readonly<Record<string, string>> => ({ connector: name });

/** Metrics of every connector, whatever it does. */
export function addConnectorMetrics(registry: Registry, options: MetricsOptions): void {
  const { view, judgeNow, failingSince, now } = options;
  const running = (): readonly ConnectorStatus[] => view.connectors().flatMap(({ status }) => status ?? []);
  const views = new MetricFamily<ConnectorView>(registry, ['connector'], byName, () => view.connectors());
  views.gauge(
    {
      name: 'rowcast_connector_state',
      help: 'The state that the connector is in has 1, the others 0.',
      labels: ['state'],
    },
    (of, set) => {
      const state = stateWord(of);
      for (const each of STATES) set(each === state ? 1 : 0, { state: each });
    },
  );
  addStages(new MetricFamily(registry, ['connector'], byName, running), now);
  views.gauge(
    {
      name: 'rowcast_connector_failing_seconds',
      help: 'How long the connector has been failing again and again; 0 when it is well, or has given up.',
    },
    ({ name }, set) => set(Math.max(0, now() - (failingSince().get(name) ?? now())) / 1000),
  );
  views.gauge(
    { name: 'rowcast_connector_file_problems', help: "How many problems the connector's file has." },
    ({ problems }, set) => set(problems.length),
  );
  const judged = new MetricFamily(registry, ['connector'], byName, () => judgeNow().connectors);
  judged.gauge(
    {
      name: 'rowcast_connector_healthy',
      help: 'Whether the connector is well, as /health judges; also 1 when it is degraded.',
    },
    ({ status }, set) => set(status === 'unhealthy' ? 0 : 1),
  );
  judged.gauge(
    {
      name: 'rowcast_connector_degraded',
      help: 'Whether the connector runs, but somebody should look, as /health judges.',
    },
    ({ status }, set) => set(status === 'degraded' ? 1 : 0),
  );
}

/** The same as REST says in Connect's words, with more of them for what runs; one that waits for its start is starting. */
function stateWord(view: ConnectorView): ConnectorState | 'paused' {
  const state = stateOf(view);
  switch (state) {
    case 'RUNNING':
      return view.status?.state ?? 'starting';
    case 'UNASSIGNED':
      return 'starting';
    case 'PAUSED':
      return 'paused';
    case 'RESTARTING':
      return 'retrying';
    case 'FAILED':
      return 'failed';
    case 'STOPPED':
      return 'stopped';
    default:
      return state satisfies never;
  }
}

function addStages(running: MetricFamily<ConnectorStatus>, now: () => number): void {
  running.gauge(
    { name: 'rowcast_connector_stage', help: 'The stage that the connector is at has 1.', labels: ['stage'] },
    ({ stage }, set) => set(1, { stage: stage.name }),
  );
  running.gauge(
    {
      name: 'rowcast_connector_stage_age_seconds',
      help: 'How long the connector has been at its present stage; 0 while it waits for changes.',
    },
    ({ stage }, set) => set(stage.isWaiting ? 0 : Math.max(0, now() - stage.since) / 1000),
  );
  running.counter(
    { name: 'rowcast_connector_failures_total', help: 'Failures, by whose matter they are.', labels: ['kind'] },
    ({ failures }, set) => {
      for (const [kind, count] of Object.entries(failures)) set(count, { kind });
    },
  );
  running.counter(
    {
      name: 'rowcast_connector_retries_total',
      help: 'How often the connector was tried again after a passing failure.',
    },
    ({ failures }, set) => set(RETRIED.reduce((sum, kind) => sum + failures[kind], 0)),
  );
}
