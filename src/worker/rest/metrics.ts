import { secondsLeft } from '../copy-left.ts';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { CopyProgress } from '../../change/copy-state.ts';
import type { ConnectorState, SinkStatus, SourceStatus } from '../status.ts';
import type { DaemonView } from './daemon-view.ts';
import type { Health } from './health.ts';

/** What a scrape shows. Labels are names of connectors and closed words, so their number is bounded by the files. */
export interface Metrics {
  readonly contentType: string;
  /** The page in Prometheus's text format, of this moment. */
  page(): Promise<string>;
}

const STATES: readonly ConnectorState[] = ['starting', 'snapshot', 'streaming', 'retrying', 'failed', 'stopped'];

/** How a status becomes samples: `set` is called for each, with the labels besides `connector`. */
type Samples<T> = (of: T, set: (value: number | undefined, labels?: Record<string, string>) => void) => void;

export interface MetricsOptions {
  readonly view: DaemonView;
  readonly judgeNow: () => Health;
  /** Since when those connectors fail again and again that have not recovered, in milliseconds since 1970. */
  readonly failingSince: () => ReadonlyMap<string, number>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Metrics of the daemon, its connectors and its process. Counters are those of the statuses: nothing is counted twice, or when nobody asks. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { view } = options;
  const registry = new Registry();
  addProcess(registry);
  addDaemon(registry, view);
  addConnectors(registry, options);
  addSources(registry, view);
  addSinks(registry, view);
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

function addConnectors(registry: Registry, { view, judgeNow, failingSince, now }: MetricsOptions): void {
  const statuses = (): Iterable<SourceStatus | SinkStatus> => view.connectors().flatMap(({ status }) => status ?? []);
  const gauge = <T extends { readonly name: string }>(
    name: string,
    help: string,
    all: () => Iterable<T>,
    labels: string[],
    samples: Samples<T>,
  ): void => {
    addMetric(Gauge, registry, { name, help, labels }, all, samples);
  };
  gauge(
    'rowcast_connector_state',
    'The state that the connector is in has 1, the others 0.',
    statuses,
    ['state'],
    ({ state }, set) => {
      for (const each of STATES) set(each === state ? 1 : 0, { state: each });
    },
  );
  gauge(
    'rowcast_connector_stage_age_seconds',
    'How long the connector has been at its present stage; 0 while it waits for changes.',
    statuses,
    [],
    ({ stage }, set) => set(stage.isWaiting ? 0 : Math.max(0, now() - stage.since) / 1000),
  );
  const failures = {
    name: 'rowcast_connector_failures_total',
    help: 'Failures: those that pass by themselves (transient), need a person (operator), are about a record, or are bugs.',
    labels: ['kind'],
  };
  addMetric(Counter, registry, failures, statuses, (of, set) => {
    for (const [kind, count] of Object.entries(of.failures)) set(count, { kind });
  });
  gauge(
    'rowcast_connector_failing_seconds',
    'How long the connector has been failing again and again; 0 when it is well, or has given up.',
    () => view.connectors(),
    [],
    ({ name }, set) => set(Math.max(0, now() - (failingSince().get(name) ?? now())) / 1000),
  );
  gauge(
    'rowcast_connector_healthy',
    'Whether the connector is well, as /health judges; also 1 when it runs an earlier configuration than its file has.',
    () => judgeNow().connectors,
    [],
    ({ status }, set) => set(status === 'unhealthy' ? 0 : 1),
  );
  const problems = "How many problems the connector's file has.";
  gauge(
    'rowcast_connector_file_problems',
    problems,
    () => view.connectors(),
    [],
    (of, set) => set(of.problems.length),
  );
}

function addSources(registry: Registry, view: DaemonView): void {
  const sources = (): readonly SourceStatus[] =>
    view.connectors().flatMap(({ status }) => (status?.kind === 'source' ? [status] : []));
  const counter = (name: string, help: string, value: (of: SourceStatus) => number): void =>
    addMetric(Counter, registry, { name, help, labels: [] }, sources, (of, set) => set(value(of)));
  counter('rowcast_source_changes_total', 'Row changes published to the log.', (of) => of.progress.changes);
  counter('rowcast_source_records_total', 'Records published to the log.', (of) => of.progress.records);
  counter('rowcast_source_published_bytes_total', 'Bytes published to the log.', (of) => of.progress.bytes);
  counter('rowcast_source_checkpoints_total', 'Checkpoints stored and acknowledged.', (of) => of.progress.checkpoints);
  counter('rowcast_source_transactions_total', 'Transactions read from the source.', (of) => of.counts.transactions);
  const copy = (name: string, help: string, value: (of: CopyProgress) => number): void => {
    addMetric(Gauge, registry, { name, help, labels: [] }, sources, ({ progress: { snapshot } }, set) =>
      set(snapshot && value(snapshot)),
    );
  };
  copy('rowcast_source_snapshot_rows', 'Rows that the copy of the tables has read.', ({ rows }) => rows);
  copy(
    'rowcast_source_snapshot_ratio',
    'How much of the copy is done, by estimate: 1 is all.',
    (of) => of.percent / 100,
  );
  addMetric(
    Gauge,
    registry,
    { name: 'rowcast_source_snapshot_seconds_left', help: 'How long the copy still takes, by estimate.', labels: [] },
    sources,
    ({ progress }, set) => set(secondsLeft(progress, Date.now())),
  );
  const help = 'When the last checkpointed transaction was committed, in seconds since 1970.';
  addMetric(
    Gauge,
    registry,
    { name: 'rowcast_source_committed_timestamp_seconds', help, labels: [] },
    sources,
    (of, set) => {
      set(of.progress.committedAt > 0 ? of.progress.committedAt / 1000 : undefined);
    },
  );
}

function addSinks(registry: Registry, view: DaemonView): void {
  const sinks = (): readonly SinkStatus[] =>
    view.connectors().flatMap(({ status }) => (status?.kind === 'sink' ? [status] : []));
  const changes = {
    name: 'rowcast_sink_changes_total',
    help: 'Row changes committed in the target.',
    labels: ['operation'],
  };
  addMetric(Counter, registry, changes, sinks, ({ counts: { changes: of } }, set) => {
    set(of.copied, { operation: 'copy' });
    set(of.inserts, { operation: 'insert' });
    set(of.updates, { operation: 'update' });
    set(of.deletes, { operation: 'delete' });
    set(of.keyChanges, { operation: 'key_change' });
  });
  const commits = { name: 'rowcast_sink_commits_total', help: 'Target transactions committed.', labels: [] };
  addMetric(Counter, registry, commits, sinks, ({ counts }, set) => set(counts.commits));
  const lag = {
    name: 'rowcast_sink_lag_seconds',
    help: 'How long transactions take from source to replica.',
    labels: [],
  };
  addMetric(Gauge, registry, lag, sinks, ({ lagMs }, set) => set(lagMs === undefined ? undefined : lagMs / 1000));
  const consistent = {
    name: 'rowcast_sink_consistent',
    help: 'Whether the target shows a state of the source.',
    labels: [],
  };
  addMetric(Gauge, registry, consistent, sinks, ({ counts }, set) => set(counts.consistent ? 1 : 0));
  const partial = {
    name: 'rowcast_sink_partial_tables',
    help: 'How many tables lack rows in the target until they are copied.',
    labels: [],
  };
  addMetric(Gauge, registry, partial, sinks, ({ counts }, set) => set(counts.partial.length));
}

/** A metric that is filled when it is asked for. What is undefined has no sample, and a connector that is gone has none either. */
function addMetric<T extends { readonly name: string }>(
  Kind: typeof Counter | typeof Gauge,
  registry: Registry,
  { name, help, labels }: { readonly name: string; readonly help: string; readonly labels: readonly string[] },
  all: () => Iterable<T>,
  samples: Samples<T>,
): void {
  new Kind({
    name,
    help,
    labelNames: ['connector', ...labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const each of all()) {
        samples(each, (value, more) => {
          if (value !== undefined) this.inc({ connector: each.name, ...more }, value);
        });
      }
    },
  });
}
