import type { Registry } from 'prom-client';
import type { CopyProgress } from '../../../change/copy-state.ts';
import { secondsLeft } from '../../copy-left.ts';
import type { SourceStatus } from '../../status.ts';
import type { DaemonView } from '../daemon-view.ts';
import { MetricFamily } from './samples.ts';
import { addWorkMetrics } from './task-metrics.ts';

/** Metrics of sources. A connector is one task so far, number 0, as in Connect. */
export function addSourceMetrics(registry: Registry, view: DaemonView, now: () => number): void {
  const sources = new MetricFamily<SourceStatus>(
    registry,
    ['connector', 'task'],
    ({ name }) => ({ connector: name, task: '0' }),
    () => view.connectors().flatMap(({ status }) => (status?.kind === 'source' ? [status] : [])),
  );
  addCounters(sources);
  sources.gauge(
    {
      name: 'rowcast_source_committed_timestamp_seconds',
      help: 'When the last checkpointed transaction was committed, in seconds since 1970.',
    },
    ({ progress }, set) => set(progress.committedAt > 0 ? progress.committedAt / 1000 : undefined),
  );
  sources.gauge(
    { name: 'rowcast_source_lag_seconds', help: 'How long transactions take from the source to the log.' },
    ({ lagMs }, set) => set(lagMs === undefined ? undefined : lagMs / 1000),
  );
  addCopy(sources, now);
  addWorkMetrics(sources, {
    prefix: 'rowcast_source',
    tables: 'Row changes read from the source, by table; what is read again after a failure counts again.',
    batch: 'what is published at once',
    queue: 'Bytes of records on their way to the log.',
  });
}

function addCounters(sources: MetricFamily<SourceStatus>): void {
  const counter = (what: string, help: string, value: (of: SourceStatus) => number): void =>
    sources.counter({ name: `rowcast_source_${what}_total`, help }, (of, set) => set(value(of)));
  counter('changes', 'Row changes published to the log.', ({ progress }) => progress.changes);
  counter('records', 'Records published to the log.', ({ progress }) => progress.records);
  counter('published_bytes', 'Bytes published to the log.', ({ progress }) => progress.bytes);
  counter('checkpoints', 'Checkpoints stored and acknowledged.', ({ progress }) => progress.checkpoints);
  counter('transactions', 'Transactions read from the source.', ({ counts }) => counts.transactions);
}

function addCopy(sources: MetricFamily<SourceStatus>, now: () => number): void {
  const copy = (what: string, help: string, value: (of: CopyProgress) => number): void =>
    sources.gauge({ name: `rowcast_source_snapshot_${what}`, help }, ({ progress: { snapshot } }, set) =>
      set(snapshot && value(snapshot)),
    );
  copy('rows', 'Rows that the copy of the tables has read.', ({ rows }) => rows);
  copy('ratio', 'How much of the copy is done, by estimate: 1 is all.', ({ percent }) => percent / 100);
  copy('tables', 'Tables that are copied.', ({ tables }) => tables);
  copy('tables_done', 'Tables whose copy is finished.', ({ tablesDone }) => tablesDone);
  sources.gauge(
    { name: 'rowcast_source_snapshot_seconds_left', help: 'How long the copy still takes, by estimate.' },
    ({ progress }, set) => set(secondsLeft(progress, now())),
  );
}
