import type { ChangeCounts } from '../../../observe/change-counts.ts';
import type { ConnectorStatus } from '../../status.ts';
import type { Work } from '../../work.ts';
import type { MetricFamily, Samples } from './samples.ts';

/** Label values of `operation`. */
export function operationsOf(of: ChangeCounts): Readonly<Record<string, number>> {
  return {
    copy: of.copied,
    insert: of.inserts,
    update: of.updates,
    delete: of.deletes,
    key_change: of.keyChanges,
  };
}

/** What a source and a sink are measured by alike, in the words of each. */
export interface WorkWords {
  /** Beginning of the names: `rowcast_source`. */
  readonly prefix: string;
  readonly tables: string;
  readonly batch: string;
  readonly queue: string;
}

/** Metrics of what a task does: by table, and by batch. */
export function addWorkMetrics<T extends ConnectorStatus>(tasks: MetricFamily<T>, words: WorkWords): void {
  const { prefix } = words;
  const ofWork =
    (samples: Samples<Work>): Samples<T> =>
    ({ work }, set) => {
      if (work !== undefined) samples(work, set);
    };
  tasks.counter(
    { name: `${prefix}_table_changes_total`, help: words.tables, labels: ['table', 'operation'] },
    ofWork(({ tables }, set) => {
      for (const [table, counts] of Object.entries(tables)) {
        for (const [operation, count] of Object.entries(operationsOf(counts)))
          if (count > 0) set(count, { table, operation });
      }
    }),
  );
  tasks.gauge(
    { name: `${prefix}_queue_bytes`, help: words.queue },
    ofWork(({ queueBytes }, set) => set(queueBytes)),
  );
  const histogram = (name: string, help: string, of: (work: Work) => Work['batchBytes']): void =>
    tasks.histogram({ name: `${prefix}_${name}`, help: `${help} ${words.batch}.` }, ({ work }) => work && of(work));
  histogram('batch_changes', 'Row changes of', ({ batchChanges }) => batchChanges);
  histogram('batch_bytes', 'Bytes of records of', ({ batchBytes }) => batchBytes);
  histogram('batch_seconds', 'How long it takes to store', ({ batchSeconds }) => batchSeconds);
}
